#!/usr/bin/env bash
# The crate feature `polars`: data frames in and out of a run, with the full polars, compiled without optimization.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --profile quick --features polars --test frames
cargo test --profile quick --features polars --doc frames
