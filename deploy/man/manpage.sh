#!/bin/sh
# usage: manpage.sh TOOLS VERSION PAGE.in PAGE
# Makes a man page: @VERSION@ is filled in, and each line "@HELP tool [command...]@" becomes what the tool of
# the folder TOOLS says to --help, so that a page cannot know less than its tool.
set -eu
tools=$1 version=$2 in=$3 out=$4
part=$out.part
trap 'rm -f "$part" "$part.help"' EXIT

while IFS= read -r line; do
    case $line in
    "@HELP "*@)
        words=${line#"@HELP "}
        words=${words%@}
        tool=${words%% *}
        rest=${words#"$tool"}
        # shellcheck disable=SC2086 # the command's words
        "$tools/$tool" $rest --help > "$part.help" 2>&1 || [ "$tool" = oeedger8r ] # which ends with 1
        [ -s "$part.help" ] || { echo "manpage.sh: $words says nothing to --help" >&2; exit 1; }
        echo ".PP"
        echo ".nf"
        # in roff a backslash, a hyphen that is a minus, and a dot or apostrophe at the beginning mean something
        sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\\&&/" -e "s/'/\\\\(aq/g" -e 's/`/\\(ga/g' "$part.help"
        echo ".fi"
        ;;
    *) printf '%s\n' "$line" | sed "s/@VERSION@/$version/g" ;;
    esac
done < "$in" > "$part"
mv "$part" "$out"
