#!/usr/bin/env bash
# The tests marked `gpu`, then `bench`, on a machine with a card: at most eight minutes.
#
# It needs Python 3.11 or later with torch, and no network: packages that are missing there are
# taken from .gpu/*.whl, which `make gpu-wheels` downloads elsewhere. Results: $OUT or results/gpu.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
out=${OUT:-results/gpu}
mkdir -p "$out"
if compgen -G ".gpu/*.whl" >/dev/null; then
    site=$(mktemp -d)
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" .gpu/*.whl || exit 1
    export PYTHONPATH="$site:${PYTHONPATH:-}"
fi
"$python" -c 'import torch; print("torch", torch.__version__, torch.cuda.is_available() and torch.cuda.get_device_name())'
status=0
GPU_RESULTS="$out/gpu.json" timeout "${GPU_TEST_SECONDS:-270}" \
    "$python" -m pytest -q -m gpu tests/gpu -p no:cacheprovider -p no:xdist 2>&1 | tee "$out/tests.txt" || status=1
for precision in ${GPU_PRECISIONS:-fp32 bf16}; do
    timeout "${GPU_BENCH_SECONDS:-100}" "$python" run_benchmark.py bench --device "${GPU_DEVICE:-auto}" \
        --precision "$precision" --only "${GPU_GROUPS:-step,attention,input,inference,growth}" \
        --rounds "${GPU_ROUNDS:-5}" ${GPU_BENCH:-} --out "$out/$precision" 2>&1 | tee "$out/bench-$precision.txt" || status=1
done
echo "results: $out"
exit "$status"
