"""Every figure of docs/measurements.md, one benchmark after the other.

python -m benchmarks.all
"""

from benchmarks import compression, flops, loading, peers, profiler_overhead, search, self_comparison

if __name__ == "__main__":
    for benchmark in (loading, flops, profiler_overhead, self_comparison, search, peers, compression):
        print(f"\n## {(benchmark.__doc__ or '').splitlines()[0]}\n", flush=True)
        benchmark.main()
