"""The patch cache: whole or not at all, the same bytes whatever happened on the way."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import killed_cache
import numpy as np
import pytest
from killed_cache import GEOMETRY, jobs
from made_series import made_slices, write_dicom_series, write_png_series
from PIL import Image

from ingest.images.build_cache import build_cache, verify_cache
from ingest.images.patch import extract_patch, stored
from ingest.images.patch_cache import PIXELS, PatchCache
from ingest.images.patch_jobs import deeplesion_jobs, marked_jobs
from ingest.images.png_series import open_png_series
from ingest.images.unfinished_cache import PROBLEMS, Cut, Problem, UnfinishedCache, only_build
from ingest.release import Release
from kg.errors import InputError, LesionKGError, StoreBusyError, StoreError


@pytest.fixture
def series(tmp_path: Path) -> Path:
    for number in range(1, 7):
        write_png_series(tmp_path / "png" / f"{number:06d}_01_01", made_slices(5, seed=number))
    return tmp_path / "png"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_cache_holds_the_patches_of_its_jobs_in_their_order(series: Path, tmp_path: Path) -> None:
    wanted = jobs(series)
    built = build_cache(tmp_path / "cache", wanted, GEOMETRY)
    assert (built.problems, built.resumed, built.substituted) == ((), 0, 0)
    assert built.cache.lesions == tuple(job.lesion for job in wanted)
    for row in (0, 7, 17):
        job = wanted[row]
        patch = extract_patch(open_png_series(job.path, 0.9, 2.5), 3, job.box, GEOMETRY)
        assert np.array_equal(built.cache.pixels[row], stored(patch))
        np.testing.assert_allclose(built.cache.boxes[row], patch.box, rtol=1e-6)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        "cache.json",
        "lesions.parquet",
        "patches.i16",
        "problems.csv",
    ]


def test_workers_and_threads_change_nothing(series: Path, tmp_path: Path) -> None:
    build_cache(tmp_path / "alone", jobs(series), GEOMETRY)
    build_cache(tmp_path / "two", jobs(series), GEOMETRY, workers=2)
    assert content(tmp_path / "alone") == content(tmp_path / "two")


def test_a_dask_cluster_cuts_the_same(series: Path, tmp_path: Path) -> None:
    import distributed

    build_cache(tmp_path / "alone", jobs(series), GEOMETRY)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as there:
        build_cache(tmp_path / "dask", jobs(series), GEOMETRY, dask=there.scheduler_address)
    assert content(tmp_path / "alone") == content(tmp_path / "dask")


def test_a_build_killed_at_any_moment_goes_on_and_ends_the_same(series: Path, tmp_path: Path) -> None:
    build_cache(tmp_path / "whole", jobs(series), GEOMETRY)
    command = [sys.executable, killed_cache.__file__, str(series), str(tmp_path / "cache")]
    journal = tmp_path / ".cache.building" / "journal.jsonl"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for lines in (3, 9):
        child = subprocess.Popen(command, env=environment)
        limit = time.monotonic() + 60
        while not (journal.exists() and journal.read_text().count("\n") >= lines):
            assert time.monotonic() < limit and child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not (tmp_path / "cache").exists()
    with journal.open("a") as file:
        file.write('[99, {"reason": ')  # a line that was cut short
    built = build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    assert built.resumed >= 9
    assert content(tmp_path / "cache") == content(tmp_path / "whole")


def test_finished_patches_that_were_damaged_are_cut_again(series: Path, tmp_path: Path) -> None:
    build_cache(tmp_path / "whole", jobs(series), GEOMETRY)

    def stop(done: int, of: int) -> None:
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_cache(tmp_path / "cache", jobs(series), GEOMETRY, progress=stop)
    with (tmp_path / ".cache.building" / PIXELS).open("r+b") as file:
        file.write(b"\xff" * 100)
    built = build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    assert built.resumed == 8
    assert content(tmp_path / "cache") == content(tmp_path / "whole")


def test_bad_images_are_left_out_and_told_and_the_rest_goes_on(series: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 48), np.uint8)).save(series / "000002_01_01" / "003.png")
    truncated = series / "000004_01_01" / "004.png"
    truncated.write_bytes(truncated.read_bytes()[:1000])
    (series / "000005_01_01" / "003.png").unlink()
    (series / "000006_01_01" / "002.png").unlink()
    built = build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    assert [p.lesion for p in built.problems] == [f"M:{s}{n}" for s in (2, 4, 5) for n in range(3)]
    assert built.problems[0] == Problem(
        "M:20",
        "000002_01_01/003.png: L pixels, not 16-bit greyscale; give the PNG files as NIH publishes them",
    )
    assert "cannot be decoded" in built.problems[3].reason and "no slice 3" in built.problems[6].reason
    assert built.substituted == 3 and built.cache.table["substituted"].to_pylist()[-1] == [2]
    assert len((tmp_path / "cache" / PROBLEMS).read_text().splitlines()) == 10
    # The gaps are closed: every patch is that of its lesion.
    assert verify_cache(built.cache) == ()
    good = build_cache(tmp_path / "good", [j for j in jobs(series) if j.lesion in built.cache.lesions], GEOMETRY)
    assert good.cache.content_hash == built.cache.content_hash


def test_a_cache_with_no_usable_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of 18 lesions"):
        build_cache(tmp_path / "cache", jobs(tmp_path / "nowhere"), GEOMETRY)


def test_a_full_disk_leaves_the_older_cache_and_what_was_finished(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = build_cache(tmp_path / "cache", jobs(series, 2), GEOMETRY).cache.content_hash
    stored, real = 0, UnfinishedCache.add

    def full(work: UnfinishedCache, cuts: Sequence[Cut]) -> None:
        nonlocal stored
        stored += 1
        if stored > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(work, cuts)

    monkeypatch.setattr(UnfinishedCache, "add", full)
    with pytest.raises(StoreError, match=r"No space left on device.*an older cache is as it was"):
        build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    monkeypatch.undo()
    assert PatchCache.open(tmp_path / "cache").content_hash == older
    built = build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    assert built.resumed >= 6 and len(built.cache.lesions) == 18


def test_two_builds_of_one_cache_at_a_time_are_refused(series: Path, tmp_path: Path) -> None:
    with only_build(tmp_path / "cache"), pytest.raises(StoreBusyError, match="another process is building it"):
        build_cache(tmp_path / "cache", jobs(series), GEOMETRY)
    assert len(build_cache(tmp_path / "cache", jobs(series), GEOMETRY).cache.lesions) == 18


def test_an_older_cache_hidden_by_a_kill_between_two_renames_comes_back(series: Path, tmp_path: Path) -> None:
    older = build_cache(tmp_path / "cache", jobs(series, 2), GEOMETRY).cache.content_hash
    (tmp_path / "cache").rename(tmp_path / ".cache.older")
    with pytest.raises(InputError, match="none of 18 lesions"):
        build_cache(tmp_path / "cache", jobs(tmp_path / "nowhere"), GEOMETRY)
    assert PatchCache.open(tmp_path / "cache").content_hash == older


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_file_system_that_is_really_full_is_one_clear_line(series: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        with pytest.raises(StoreError, match="No space left on device"):
            build_cache(small / "cache", jobs(series), GEOMETRY)
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_truncated_or_altered_cache_is_noticed(series: Path, tmp_path: Path) -> None:
    cache = build_cache(tmp_path / "cache", jobs(series), GEOMETRY).cache
    with (tmp_path / "cache" / PIXELS).open("r+b") as file:
        file.seek(2 * 3 * 32 * 32 * 2)
        file.write(b"\x01\x01\x01")
    assert verify_cache(PatchCache.open(cache.folder)) == ("M:12",)
    os.truncate(tmp_path / "cache" / PIXELS, 500)
    with pytest.raises(InputError, match="build the cache again"):
        PatchCache.open(cache.folder)


def test_genuine_lesions_are_found_on_the_disk(shared_data: Path, tmp_path: Path) -> None:
    listed = deeplesion_jobs(Release.shipped(), shared_data / "images" / "deeplesion_png16")
    assert [job.lesion for job in listed.jobs] == ["DL:00000", "DL:00001", "DL:00002", "DL:00003"]
    assert (listed.unknown, listed.absent) == (32_735 - 10_752, 10_748)
    nested = tmp_path / "Images_png" / "Images_png"
    nested.parent.mkdir()
    nested.symlink_to(shared_data / "images" / "deeplesion_png16")
    assert len(deeplesion_jobs(Release.shipped(), tmp_path).jobs) == 4
    assert build_cache(tmp_path / "cache", listed.jobs).cache.pixels.shape == (4, 3, 120, 120)
    with pytest.raises(InputError, match="the series of no known lesion"):
        deeplesion_jobs(Release.shipped(), tmp_path / "cache")


HEADER = "lesion,series,slice,x1,y1,x2,y2\n"


def test_marks_on_dicom_series_bring_only_pixels_geometry_and_the_lesions_own_id(tmp_path: Path) -> None:
    write_dicom_series(tmp_path / "MRN-SECRET", made_slices(5))
    (tmp_path / "marks.csv").write_text(
        HEADER + "L-1,MRN-SECRET,3,10,12,22,21\nL-2,MRN-SECRET,9,10,12,22,21\nL-3,MRN-SECRET,2,50,12,90,21\n"
    )
    built = build_cache(tmp_path / "cache", marked_jobs(tmp_path / "marks.csv").jobs, GEOMETRY)
    assert built.cache.lesions == ("L-1",)
    assert [p.reason for p in built.problems] == [
        "DICOM series: 0 slices with instance number 9; there are 1 to 5",
        "DICOM series: the box 50,12,90,21 lies outside the image of 48 x 40 pixels",
    ]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())
    assert b"SECRET" not in kept and b"1.2.826" not in kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("lesion,series\nL-1,a\n", "no column slice", id="column"),
        pytest.param(HEADER, "no row", id="empty"),
        pytest.param(HEADER + "L-1,a,3,x,12,22,21\n", "row 2 is malformed", id="number"),
        pytest.param(HEADER + "L-1,a,3,1,2,3,4\nL-1,a,4,1,2,3,4\n", "row 3 names a lesion", id="twice"),
    ],
)
def test_a_table_of_marks_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "marks.csv").write_text(text)
    with pytest.raises(LesionKGError, match=says):
        marked_jobs(tmp_path / "marks.csv")
