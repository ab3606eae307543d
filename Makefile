.PHONY: run demo test test-citus test-browser check check-api bench check-perf torture fuzz openapi dist test-deb test-proxies lint-deploy

run: ; @scripts/need && cargo run --bin convosync
demo: ; @scripts/need && scripts/demo
test: ; @scripts/need && scripts/with-postgres scripts/test
test-citus: ; @scripts/need && scripts/test-citus
test-browser: ; @scripts/need && scripts/test-browser
check: ; @scripts/need && scripts/check
check-api: ; @scripts/need && scripts/check-api
bench: ; @scripts/need && scripts/bench
check-perf: ; @scripts/need && scripts/check-perf
torture: ; @scripts/need && scripts/torture
fuzz: ; @scripts/need && scripts/fuzz
openapi: ; @scripts/need && scripts/openapi
dist: ; @scripts/need && scripts/dist
test-deb: ; @scripts/need && scripts/test-deb
test-proxies: ; @scripts/need && scripts/test-proxies
lint-deploy: ; @scripts/lint-deploy
