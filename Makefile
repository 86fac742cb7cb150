# The commands of this repository. `make help` lists them.

PREFIX ?= /usr/local
DEMO ?= python-api
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Debian packages, each with its purpose. `make deps` installs only missing packages.
for-build += libarchive-dev     # reads and writes tar with extended attributes, sparse files and long names
for-build += zlib1g-dev liblzma-dev libbz2-dev  # gzip, xz and bzip2 in libarchive, linked into the binary
for-build += nettle-dev         # the ciphers that libarchive's reader of zip refers to
for-build += libzstd-dev        # reads and writes zstd layers
for-build += libdeflate-dev     # writes gzip members in parallel, 3.4 times as fast as zlib at the same size
for-build += libcurl4-openssl-dev  # HTTP with TLS, proxies and the system's certificates
for-build += libseccomp-dev     # has the numbers of the system calls that RUN may make
for-build += libstdc++-12-dev   # links C and C++ with Swift: the TOML parser is C++
for-build += git                # gets the sources of dependencies for the Swift package manager
for-test += mmdebstrap          # makes the base images from apt's packages
for-test += qemu-system-x86     # the engine "qemu"
for-test += skopeo              # a peer: must read our images
for-test += umoci               # a peer: must unpack our layers
for-test += docker-registry     # a peer: the registry for pushes and pulls
for-test += podman              # a peer: must load and list our images
for-test += uidmap              # gives users more than one number, for tests without root
for-test += openssl             # makes keys and signatures for the policy of pulls
for-test += openssh-client     # agents and keys, for RUN --mount=type=ssh
for-test += python3             # runs the harness of the bench, and scripts of tests
for-test += busybox-static      # a root file system of one file, for the sandbox's tests
for-test += passt               # carries the traffic of containers with a network of their own
for-test += crun                # a peer: must run our bundles
for-test += runc                # a peer: must run our bundles
for-test += bzip2 xz-utils zstd # pack the archives that ADD unpacks in the conformance suite
for-test += erofs-utils         # a peer: fsck.erofs must accept our root disks; packs the disks of test-kvm
for-test += lz4                 # a peer: packs input of our decoder, and unpacks the same kernels
for-test += acpica-tools        # a peer: iasl must disassemble the guest's ACPI tables
for-test += tmux                # a terminal whose screen tests can read
for-test += jq                  # reads documents in the machine of test-kvm
for-test += shellcheck          # checks RUN scripts for thaw lint, and the scripts of this repository
for-dist += libssl-dev          # has OpenSSL's static libraries
for-dist += dpkg-dev            # unpacks the source of libcurl, with Debian's patches
for-dist += gcc libc6-dev make  # build libcurl
for-dist += libdeflate-tools    # packs the tarball smaller than gzip
for-dist += busybox-static      # the shell of the image for CI systems
for-dist += python3 file        # write the SBOM; check that the binary is static
for-site += python3-venv       # installs mkdocs from PyPI, apart from the system
for-kernel += linux-source-6.1  # the source of the small kernel
for-kernel += gcc libc6-dev make  # build the kernel and its build tools
for-kernel += flex bison bc     # generate parts of its source
for-kernel += libelf-dev        # checks and patches its object files
for-kernel += xz-utils          # unpacks the source
for-kernel += qemu-system-x86 erofs-utils attr cpio  # boot it, to test its features

# The version is the number of the checked-out commit's tag, v1.2.3. Package.swift has the one for all other commits.
tag := $(shell git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null)
ifneq ($(tag),)
export THAW_VERSION := $(tag:v%=%)
endif

# A target may only import its dependencies in Package.swift. Tests read layers byte by byte and thousands of paths,
# which takes seconds with optimisation; the rest is a debug build.
import-check := --explicit-target-dependency-import-check error
swift-flags := $(import-check) -Xswiftc -O
debug := .build/debug
release := .build/release
scripts := fixtures/*.sh fixtures/{dist,fuzz,kernel,kvm,site}/*.sh fixtures/kvm/machine/* .ci/run

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install missing Debian packages (PACKAGES=... for only these)
	@missing=(); for package in $(or $(PACKAGES),$(for-build) $(for-test)); do
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null || true)" = installed ] ||
			missing+=($$package)
	done
	[ $${#missing[@]} = 0 ] && exit
	apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq)
	[ "$$(id -u)" = 0 ] || apt=(sudo "$${apt[@]}")
	echo "installing $${missing[*]}"
	"$${apt[@]}" update
	"$${apt[@]}" install -y --no-install-recommends "$${missing[@]}" </dev/null

.PHONY: deps-build
deps-build: ## Install only the packages for building
	@$(MAKE) --no-print-directory deps PACKAGES="$(strip $(for-build))"

.PHONY: build
build: ## Build for debugging
	swift build $(swift-flags)

# A path for libraries makes a static program crash at its start.
static-flags = $(if $(THAW_STATIC),--disable-local-rpath)

.PHONY: release
release: export THAW_COMMIT ?= $(shell git rev-parse --short HEAD 2>/dev/null)
release: ## Build optimised, with Swift's runtime in the binary
	swift build -c release --product thaw --static-swift-stdlib $(import-check) $(static-flags)
	swift build -c release --product thaw-init $(import-check)

.PHONY: dist
dist: deps-build ## Make the static release: tarball, Debian package, images, SBOM and sums, in .build/dist
	$(MAKE) --no-print-directory deps PACKAGES="$(strip $(for-dist))"
	static=$$(fixtures/dist/libcurl.sh)
	export THAW_COMMIT=$$(git rev-parse --short HEAD 2>/dev/null)
	THAW_STATIC=$$static $(MAKE) --no-print-directory release
	$(build-manual)
	THAW=$(release)/thaw fixtures/dist/pack.sh .build/dist

# The generator of manual pages, which the argument parser's package has.
manual := .build/manual/release/generate-manual
build-manual := swift build -c release --package-path .build/checkouts/swift-argument-parser \
	--scratch-path .build/manual --product generate-manual

.PHONY: fixtures
fixtures: build ## Make the base images of tests and the demo, in ~/.cache/thaw
	THAW=$(debug)/thaw fixtures/bases.sh

.PHONY: kernel
kernel: ## Build the small guest kernel if it is missing, in ~/.cache/thaw
	@$(MAKE) --no-print-directory deps PACKAGES="$(strip $(for-kernel))" || {
		echo "kernel: cannot build without these packages, which apt cannot fetch now" >&2
		exit 1
	}
	kernel=$$(fixtures/kernel/build.sh)
	fixtures/kernel/check.sh "$$kernel"
	echo "$$kernel"

.PHONY: test
test: fixtures ## Run all tests (FILTER='GzipTests BuildTests.AddTests/' for some, by regular expressions)
	fixtures/test.sh $(swift-flags) $(foreach filter,$(FILTER),--filter '$(filter)')

.PHONY: fuzz
fuzz: ## Build all fuzzers and run each for SECONDS=20 (FUZZERS='frontend gzip devices kernel-elf kernel-bzimage')
	swift build --build-tests $(swift-flags)
	fixtures/fuzz/all.sh $(or $(SECONDS),20) $(FUZZERS)

# Sanitizers instrument everything, so each has a build directory of its own. They test the libraries: a sanitized process
# can be neither jailed nor cloned, and the guest's init cannot be linked. FILTER names tests, as for `make test`.
sanitized := Linux OCI HTTP Registry Frontend Project Disk Guest Analysis Slim
sanitize = THAW_SANITIZER=$(1) swift test --sanitize=$(1) --scratch-path .build/$(1) $(import-check) \
	$(foreach filter,$(or $(FILTER),$(sanitized:%=^%Tests\.)),--filter '$(filter)')

.PHONY: tsan
tsan: ## Run the libraries' tests with ThreadSanitizer, in a build of its own (FILTER=...)
	$(call sanitize,thread)

.PHONY: asan
asan: ## Run the libraries' tests with AddressSanitizer, in a build of its own (FILTER=...)
	ASAN_OPTIONS=detect_leaks=0 $(call sanitize,address)

.PHONY: docs
docs: ## Write docs/cli.md, docs/thaw.toml.md and docs/json
	swift build --build-tests $(swift-flags)
	THAW_UPDATE_DOCS=1 swift test --skip-build $(swift-flags) --filter ReferenceTests \
		--filter ConfigTests/current --filter SchemaTests/current

.PHONY: site
site: ## Make the documentation's static pages, in .build/site/html
	@$(MAKE) --no-print-directory deps PACKAGES="$(strip $(for-site))"
	fixtures/site/build.sh

.PHONY: test-kvm
test-kvm: fixtures ## Boot images on a true KVM, in machines that QEMU emulates (CHECKS=... for some checks)
	swift build --build-tests $(swift-flags)
	THAW=$(debug)/thaw fixtures/kvm/suite.sh $(CHECKS)

.PHONY: check
check: ## Check the format of Swift and the syntax of shell scripts
	swift format lint -s -r Sources Tests Package.swift
	for script in $(scripts); do bash -n $$script; done
	if command -v shellcheck >/dev/null; then shellcheck $(scripts); fi

.PHONY: format
format: ## Format the Swift sources
	swift format -i -r Sources Tests Package.swift

.PHONY: demo
demo: ## Build, slim, boot and check an application (DEMO=python-api or c-server)
	@fixtures/demo.sh $(DEMO)

.PHONY: bench
bench: release fixtures ## Measure ratios to installed peers (ROWS=... for some rows)
	swift build -c release --product MachineStart --static-swift-stdlib $(import-check)
	THAW=$(release)/thaw fixtures/bench.sh $(ROWS)

.PHONY: regressions
regressions: build fixtures ## Judge single-line changes of the applications by counted starts (ROUNDS=1)
	fixtures/regressions.py $(or $(ROUNDS),1)

.PHONY: install
install: ## Copy the release, manual pages and completions to PREFIX (/usr/local); run make release first
	[ -x $(manual) ] || $(build-manual)
	install -D -m 755 $(release)/thaw $(DESTDIR)$(PREFIX)/bin/thaw
	install -D -m 755 $(release)/thaw-init $(DESTDIR)$(PREFIX)/libexec/thaw/thaw-init
	fixtures/dist/share.sh $(release)/thaw $(manual) $(DESTDIR)$(PREFIX)/share

.PHONY: clean
clean: ## Remove build products; the base images stay
	rm -rf .build out

.ONESHELL:
