.PHONY: run test check torture

run: ; @scripts/need && cargo run --bin convosync
test: ; @scripts/need && scripts/with-postgres scripts/test
check: ; @scripts/need && scripts/check
torture: ; @scripts/need && CONVOSYNC_HISTORIES=2000 CONVOSYNC_CRASHES=200 CONVOSYNC_MUTATIONS=10000 scripts/with-postgres scripts/test
