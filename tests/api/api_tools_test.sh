#!/bin/bash
# usage: api_tools_test.sh BUILD: what is installed beside the tools: openenclaverc, man pages that know every
# command and option, and completion.
set -uo pipefail
build=$1
. "$(dirname "$0")/../expect.sh"
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH

cmake --install "$build" --prefix "$work/my sdk" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
sdk="$work/my sdk"
rc=$sdk/share/openenclave/openenclaverc

# --- openenclaverc: in sh and in bash, with -u and -e; behind what is set already; from where it was moved to
want="$sdk/bin:/usr/bin:/bin|$sdk/share/pkgconfig:/a|$sdk:/b"
for shell in sh bash; do
    # shellcheck disable=SC2016 # the shell that is asked expands it
    got=$(PATH=/usr/bin:/bin PKG_CONFIG_PATH=/a CMAKE_PREFIX_PATH=/b \
        $shell -euc '. "$0"; echo "$PATH|$PKG_CONFIG_PATH|$CMAKE_PREFIX_PATH"' "$rc")
    [ "$got" = "$want" ] || fail "openenclaverc in $shell: $got"
done
mkdir "$work/moved"
mv "$sdk" "$work/moved/sdk"
sdk=$work/moved/sdk
# shellcheck disable=SC1091
. "$sdk/share/openenclave/openenclaverc"
[ "$(command -v oesign)" = "$sdk/bin/oesign" ] || fail "openenclaverc does not find tools where it was moved to"
pkg-config --exists oehost-gcc || fail "pkg-config does not find oehost-gcc"

# --- man pages: every command and every option of --help
options() { grep -oE '(^|[][ ,|])--?[A-Za-z][A-Za-z0-9-]*' | tr -d '[] ,|' | sort -u; }
commands() { sed -n 's/^  \([a-z][a-z-]*\)\( .*\)\{0,1\}$/\1/p' | sort -u; }
plain() { sed 's/\\-/-/g' "$sdk/share/man/man1/$1.1" > "$work/page"; } # plain PAGE: as it is read
# knows PAGE WORD...: as a word of the page
knows() {
    local page=$1 word
    shift
    for word; do
        grep -qE -- "(^|[^A-Za-z-])$word([^A-Za-z-]|$)" "$work/page" || fail "$page.1 does not know $word"
    done
}
# whole PAGE COMMAND...: has what the command says to --help
whole() {
    local page=$1
    shift
    # shellcheck disable=SC2046 # words
    knows "$page" $("$@" --help 2>&1 | tee "$work/sub" | options)
    while IFS= read -r line; do
        grep -qxF -- "${line//\`/\\(ga}" <(sed "s/\\\\(aq/'/g; s/^\\\\&//" "$work/page") ||
            fail "$page.1 does not have the line: $line"
    done < "$work/sub"
}
for tool in casemate oesign oeedger8r oeutil oeverify; do
    page=$sdk/share/man/man1/$tool.1
    [ -s "$page" ] || { fail "no $page"; continue; }
    grep -A1 '^\.SH NAME' "$page" | grep -q "^$tool "'\\-' || fail "$page: no name for whatis"
    grep -q '@' "$page" && fail "$page: not filled in"
    plain $tool
    "$tool" --help > "$work/help" 2>&1
    [ "$(options < "$work/help" | wc -l)" -gt 0 ] || fail "$tool --help: no options"
    # shellcheck disable=SC2046 # words
    knows $tool $(options < "$work/help")
    for command in $(commands < "$work/help"); do
        [ "$tool:$command" = casemate:casemate ] && continue
        knows $tool "$command"
        case $tool:$command in
        casemate:serve | casemate:audit) ;; # below
        casemate:quote) whole $tool $tool quote show ;;
        casemate:* | oeutil:*) whole $tool $tool "$command" ;;
        esac
    done
    if command -v groff > /dev/null; then
        groff -man -Tutf8 -ww -z "$page" 2> "$work/said"
        [ -s "$work/said" ] && fail "$page: $(head -n 3 "$work/said")"
    fi
done
# the service is a program of its own, in a package of its own, with a page of its own
plain casemate-serve
whole casemate-serve casemate serve
whole casemate-serve casemate audit

# --- completion
for tool in casemate oesign oeedger8r oeutil oeverify oegdb; do
    cmp -s "$sdk/share/bash-completion/completions/$tool" "$sdk/share/bash-completion/completions/casemate" ||
        fail "no completion for $tool"
done
# shellcheck disable=SC1091
. "$sdk/share/bash-completion/completions/casemate"
# completes WANTED LINE...: the last word is what is being typed; WANTED: words, "!" before one that must not be
completes() {
    local wanted=$1 word got
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    "_$1" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    got=" ${COMPREPLY[*]-} "
    for word in $wanted; do
        case $word in
        !*) [[ $got != *" ${word#!} "* ]] || fail "completing '$*' gives $word" ;;
        *) [[ $got == *" $word "* ]] || fail "completing '$*' gives '$got', not $word" ;;
        esac
    done
    [ -n "$wanted" ] || [ "$got" = "  " ] || fail "completing '$*' gives '$got'"
}
completes "new doctor inspect run verify quote collateral platform pccs !casemate" casemate ""
completes "platform pccs !new" casemate p
completes "show !casemate" casemate quote ""
completes "--help" casemate quote show -
completes "" casemate quote show ""
completes "describe pcrs build sign !eif" casemate eif ""
completes "aarch64 x86_64" casemate eif build --arch ""
completes "set-tcb revoke rotate reset export show" casemate platform ""
completes "OutOfDate OutOfDateConfigurationNeeded !Revoked" casemate platform set-tcb Out
completes "--collateral --allow-debug --help !--profile" casemate verify --
completes "hardware emulator" casemate doctor --require ""
completes "--profile --preload" casemate run --p
completes "" casemate verify quo
completes "sign digest dump predict" oesign ""
completes "--enclave-image --key-file -e -k" oesign sign -e app -
completes "" oesign sign -e ap
completes "--search-path --trusted-dir" oeedger8r --
completes "-Wall -Werror=return-ptr -Wno-user-check" oeedger8r -W
completes "generate-evidence get-endorsements get-fmspc !oeutil" oeutil ""
completes "generate-evidence !get-fmspc" oeutil gen
completes "--format --quote-proc --verify -l --help !-r" oeutil generate-evidence -
completes "--input --out !--format" oeutil get-endorsements --
completes "SGX_ECDSA LEGACY_REPORT_REMOTE cert !TDX_QUOTE_ECDSA" oeutil gen -f ""
completes "in out" oeutil generate-evidence --quote-proc ""
completes "" oeutil get-fmspc -i ""
completes "-r -c -e -f -b -g --allow-debug --help" oeverify -
completes "TDX_QUOTE_ECDSA RAW_SGX_QUOTE_ECDSA SGX_ECDSA !cert" oeverify -r evidence -f ""
completes "" oeverify -r ev
completes "--args --help -p" oegdb -
completes "" oegdb --args ./program -
[ "$(compgen -W "$(_cm_words oesign)" -- di)" = digest ] || fail "compgen"
for tool in casemate oesign oeedger8r oeutil oeverify oegdb; do
    complete -p $tool > /dev/null || fail "complete knows nothing of $tool"
done
# nothing that is being typed is run
printf '#!/bin/sh\necho ran > "%s/ran"\n' "$work" > "$work/casemate"
chmod +x "$work/casemate"
COMP_WORDS=("$work/casemate" "") COMP_CWORD=1
_casemate "$work/casemate" "" "$work/casemate"
[ ! -e "$work/ran" ] || fail "completion ran what is being typed"
# at a prompt openenclaverc brings it along
bash --norc -ic ". '$sdk/share/openenclave/openenclaverc'; complete -p oesign" 2> /dev/null | grep -q _oesign ||
    fail "openenclaverc brings no completion"

[ "$failed" -eq 0 ] && echo "all passed"
