# The commands that people use; the build itself is CMake (presets in CMakePresets.json).
PREFIX ?= /opt/openenclave
PRESET ?= dev
JOBS   ?= $(shell nproc)
BUILD   = build/$(PRESET)
export PREFIX # recipes use "$$PREFIX": its value never becomes text of the shell

.PHONY: help demo test check ci-deep bench soak install package clean configure security-matrix

help:
	@echo "make demo              install what is missing, build, show the flagship sample"
	@echo "make test              build and pass every test"
	@echo "make security-matrix   each attack class with its tests and their last results"
	@echo "make bench             measure; prints ratios against baselines of the same run"
	@echo "make install PREFIX=   install the SDK (default $$PREFIX)"
	@echo "make package           Debian packages into build/packages"
	@echo "make check             style, layers, names: what CI checks before it builds"
	@echo "make soak              long fuzzing, stress and kills (an hour or more)"
	@echo "make clean             remove build/"

configure:
	@scripts/bootstrap
	@mkdir -p build && cmake --preset $(PRESET) > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

demo: configure
	@cmake --build $(BUILD) -j $(JOBS) --target demo-parts
	@scripts/demo $(BUILD)

test: configure
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) -j $(JOBS) --output-on-failure -LE '^(slow|sgx)$$'

check:
	@scripts/check

ci-deep: configure
	@scripts/ci-deep

bench: configure
	@cmake --build $(BUILD) -j $(JOBS) --target bench-parts
	@cmake --build $(BUILD) --target bench

security-matrix:
	@scripts/security_matrix $(BUILD)

soak: configure
	@scripts/soak

install: configure
	@cmake --build $(BUILD) -j $(JOBS) --target sdk
	@cmake --install $(BUILD) --prefix "$$PREFIX" > build/install.log || { cat build/install.log; exit 1; }
	@echo "installed into $$PREFIX; next: . \"$$PREFIX/share/openenclave/openenclaverc\""

package: configure
	@cmake --build $(BUILD) -j $(JOBS) --target sdk
	@scripts/package $(BUILD)

clean:
	rm -rf build
