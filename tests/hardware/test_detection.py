"""Parsers of what the operating system writes, on text made by hand."""

from pathlib import Path

import pytest

from tauto.hardware.detection import (
    cgroup_cpus,
    cgroup_folders,
    cgroup_memory_bytes,
    parse_cfs_quota,
    parse_cpu_max,
    parse_cpuinfo,
    parse_memory_limit,
    read_text,
    usable_cores,
)

XEON = """\
processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8481C
flags\t\t: fpu sse2 avx avx2 avx512f avx512dq avx512bw avx512vl avx512_vnni avx512_bf16 amx_tile amx_bf16 amx_int8

processor\t: 1
model name\t: something else
flags\t\t: fpu
"""
KNIGHTS_LANDING = "model name : Xeon Phi\nflags : avx2 avx512f avx512cd avx512er avx512pf\n"
ALDER_LAKE = "model name : Core i5\nflags : avx2 avx_vnni\n"
AMX_WITHOUT_TILES = "model name : x\nflags : amx_bf16 amx_int8\n"
GRAVITON = """\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes bf16 i8mm
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""
APPLE_ON_LINUX = "Features : fp asimd\nCPU implementer : 0x61\nCPU part : 0x022\n"
RASPBERRY = "model name : ARMv7 Processor rev 3\nFeatures : half thumb neon vfpv4\n"

V2_MOUNT = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def reader(texts: dict[str, str]):
    return texts.get


@pytest.mark.parametrize(
    ("text", "name", "sets"),
    [
        (
            XEON,
            "Intel(R) Xeon(R) Platinum 8481C",
            {"AVX2", "AVX512", "VNNI", "AVX512_BF16", "AMX_BF16", "AMX_INT8"},
        ),
        (KNIGHTS_LANDING, "Xeon Phi", {"AVX2"}),
        (ALDER_LAKE, "Core i5", {"AVX2", "VNNI"}),
        (AMX_WITHOUT_TILES, "x", set()),
        (GRAVITON, "ARM part 0xd0c", {"NEON"}),
        (APPLE_ON_LINUX, "Apple part 0x022", {"NEON"}),
        (RASPBERRY, "ARMv7 Processor rev 3", {"NEON"}),
        ("CPU implementer : 0x99\nCPU part : 0x1", "implementer 0x99 part 0x1", set()),
        ("", "", set()),
    ],
)
def test_cpuinfo(text, name, sets):
    found = parse_cpuinfo(text)
    assert (found.name, found.instruction_sets) == (name, sets)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("max 100000\n", None),
        ("150000 100000\n", 1.5),
        ("50000", 0.5),
        ("", None),
        ("nonsense 100000", None),
        ("0 100000", None),
        ("100000 0", None),
    ],
)
def test_cpu_max(text, cpus):
    assert parse_cpu_max(text) == cpus


@pytest.mark.parametrize(
    ("quota", "period", "cpus"),
    [("-1\n", "100000\n", None), ("200000\n", "100000\n", 2.0), ("200000", "", None)],
)
def test_cfs_quota(quota, period, cpus):
    assert parse_cfs_quota(quota, period) == cpus


@pytest.mark.parametrize(
    ("text", "limit"),
    [("max\n", None), ("9223372036854771712\n", None), ("2147483648\n", 2**31), ("", None), ("-1", None)],
)
def test_memory_limit(text, limit):
    assert parse_memory_limit(text) == limit


def test_folders_go_from_the_own_cgroup_to_the_root():
    found = cgroup_folders("0::/user.slice/app.scope\n", V2_MOUNT, "cpu")
    assert [str(folder) for folder in found] == [
        "/sys/fs/cgroup/user.slice/app.scope",
        "/sys/fs/cgroup/user.slice",
        "/sys/fs/cgroup",
    ]


def test_folders_of_a_container_that_sees_the_path_of_its_host():
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    own = cgroup_folders("4:memory:/docker/abc/inner\n", mount, "memory")
    assert [str(folder) for folder in own] == ["/sys/fs/cgroup/memory/inner", "/sys/fs/cgroup/memory"]
    elsewhere = cgroup_folders("4:memory:/kubepods/pod1\n", mount, "memory")
    assert [str(folder) for folder in elsewhere] == ["/sys/fs/cgroup/memory"]


def test_folders_above_the_namespace_stay_inside_the_mount():
    found = cgroup_folders("0::/../other\n", V2_MOUNT, "cpu")
    assert [str(folder) for folder in found] == ["/sys/fs/cgroup"]


def test_a_mount_point_with_a_space():
    mount = "29 23 0:26 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n"
    assert [str(folder) for folder in cgroup_folders("0::/\n", mount, "cpu")] == ["/mnt/my groups"]


def test_version_2_takes_the_tightest_limit_on_the_way_up():
    read = reader(
        {
            "/proc/self/cgroup": "0::/a/b\n",
            "/proc/self/mountinfo": V2_MOUNT,
            "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a/cpu.max": "250000 100000\n",
            "/sys/fs/cgroup/a/b/memory.max": "4294967296\n",
            "/sys/fs/cgroup/a/memory.max": "2147483648\n",
        }
    )
    assert cgroup_cpus(read) == 2.5
    assert cgroup_memory_bytes(read) == 2**31


def test_version_1_reads_quota_and_limit():
    read = reader(
        {
            "/proc/self/cgroup": "4:memory:/job\n2:cpu,cpuacct:/job\n",
            "/proc/self/mountinfo": V1_MOUNTS,
            "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "300000\n",
            "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1073741824\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert cgroup_cpus(read) == 3.0
    assert cgroup_memory_bytes(read) == 2**30


def test_both_versions_at_once_follow_each_controller_to_its_own_hierarchy():
    read = reader(
        {
            "/proc/self/cgroup": "4:memory:/job\n0::/\n",
            "/proc/self/mountinfo": V1_MOUNTS + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1073741824\n",
        }
    )
    assert cgroup_memory_bytes(read) == 2**30
    assert cgroup_cpus(read) is None


def test_no_cgroups_no_limits():
    assert cgroup_cpus(reader({})) is None
    assert cgroup_memory_bytes(reader({})) is None


@pytest.mark.parametrize(
    ("affinity", "quota", "cores"),
    [(8, None, 8), (8, 2.5, 2), (8, 0.5, 1), (2, 16.0, 2), (1, 1.0, 1)],
)
def test_usable_cores(affinity, quota, cores):
    assert usable_cores(affinity, quota) == cores


def test_a_file_that_is_not_there_reads_as_none(tmp_path: Path):
    assert read_text(str(tmp_path / "none")) is None
    (tmp_path / "some").write_text("text")
    assert read_text(str(tmp_path / "some")) == "text"
