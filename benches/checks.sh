#!/usr/bin/env bash
# Claim: what holds for the released files as a whole (implied views, floors, declarations, `unique_with`, joins; docs/guarantees.md)
# adds at most a quarter to a run. Both programs run here in turn on the same files, each with its own shipped policy or, for the
# spine, the same policy; medians of processor time. usage: benches/checks.sh OLD NEW [patients] [persons of the spine] [times]
set -euo pipefail
cd "$(dirname "$0")/.."
old=$(realpath "$1")
new=$(realpath "$2")
patients=${3:-3000}
persons=${4:-40000}
times=${5:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$new" -q synth --patients "$patients" --seed 1 --layouts dpc,csv,omop,uke --out "$work/data"
"$new" -q synth --patients "$persons" --seed 1 --encoding utf8 --layouts csv --out "$work/spine"
sed 's#\.\./policies/csv\.toml#kakou:csv#; s/\.parquet/.csv/' benches/spine.toml > "$work/spine.toml"
cat > "$work/timed.py" <<'PY'
import resource, shutil, statistics, subprocess, sys
work, old, new, times = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
cases = [("kakou:dpc-hub", "data/dpc"), ("kakou:csv", "data/csv"), ("kakou:omop54", "data/omop"), ("kakou:receipt", "data/uke"), (f"{work}/spine.toml", "spine/csv")]
failed = 0
for policy, data in cases:
    took = {old: [], new: []}
    for time in range(times):
        for program in (old, new) if time % 2 == 0 else (new, old):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [program, "-q", "run", "--policy", policy, "--input", f"{work}/{data}", "--out", f"{work}/out", "--memory", "8G"]
            done = subprocess.run(command, capture_output=True, text=True, env={"KAKOU_KEYS": f"{work}/keys", "HOME": work, "PATH": "/usr/bin:/bin"})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                print(f"{policy}: {'old' if program == old else 'new'} program: {done.stderr.splitlines()[0][:160]}")
                break
            took[program].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            shutil.rmtree(f"{work}/out")
    if took[old] and took[new]:
        a, b = statistics.median(took[old]), statistics.median(took[new])
        spread = " ".join(f"{min(t):.1f}-{max(t):.1f}" for t in (took[old], took[new]))
        print(f"{policy.split('/')[-1]}: before {a:.2f} s, now {b:.2f} s of processor time, ratio {b / a:.2f} (spread {spread})")
        failed |= b > 1.25 * a
sys.exit(failed)
PY
python3 "$work/timed.py" "$work" "$old" "$new" "$times"
