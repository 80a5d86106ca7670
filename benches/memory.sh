#!/usr/bin/env bash
# Claim: --memory holds. Each bound runs under a real limit of private memory (`prlimit --data`, the bound and 64 MiB), beside a run
# without a bound; all have the same pseudonymized bytes. `benches/memory.sh [persons] [bound in MiB ...]` (385000 persons are 15.2 million rows).
set -euo pipefail
cd "$(dirname "$0")/.."
persons=${1:-385000}
shift || true
bounds=("${@:-}")
[ -n "${bounds[0]}" ] || bounds=(256 512 1024 4096)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kakou=${KAKOU:-target/release/kakou}
[ -n "${KAKOU:-}" ] || cargo build --release --quiet
. benches/spine_data.sh
spine_data "$kakou" "$work" "$persons"
python3 - "$kakou" "$work" "${bounds[@]}" <<'PY'
import hashlib, pathlib, re, resource, shutil, subprocess, sys, time

kakou, work, bounds = sys.argv[1], pathlib.Path(sys.argv[2]), [int(b) for b in sys.argv[3:]]

def run(bound, limit):
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    def limited():
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit << 20, limit << 20))
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        [kakou, "run", "--quiet", "--policy", "benches/spine.toml", "--input", work / "parquet", "--key", work / "key", "--out", out, "--memory", f"{bound}M"],
        preexec_fn=limited, stderr=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", status)[1]) >> 10)
        except (OSError, TypeError):
            pass
        time.sleep(0.05)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    told = re.search(r"\[([A-Z]\d+)\]", process.stderr.read())
    files = sorted(out.glob("*/pseudonymized/*"))
    digest = hashlib.sha256(b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files)).hexdigest()[:12] if files else "-"
    return process.returncode, told[1] if told else "", seconds, time.monotonic() - start, peak, digest

code, told, whole, clock, peak, expected = run(65536, 0)
print(f"no bound: exit {code} {told}; processor {whole:.1f} s, clock {clock:.1f} s, peak {peak} MiB, pseudonymized bytes {expected}", flush=True)
for bound in bounds:
    code, told, seconds, clock, peak, digest = run(bound, bound + 64)
    same = "same bytes" if digest == expected else "other bytes" if digest != "-" else "nothing left"
    print(f"{bound} MiB under {bound + 64}: exit {code} {told}; processor {seconds:.1f} s ({seconds / whole:.2f}), clock {clock:.1f} s, peak {peak} MiB, {same}", flush=True)
PY
