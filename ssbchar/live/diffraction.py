"""A diffraction series at the beamline: every new frame is read and refined from the last one's
result."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ssbchar.campaign.config import ConfiguredRun
from ssbchar.campaign.row import Row, split_names
from ssbchar.crystal.reflections import tabulate_reflections
from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.hexrd.calibration.calibrate import calibrate_detector
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.refinement.follow import FollowedFrame, SeriesFollower, read_place
from ssbchar.live.arrivals import Arrival, Arrivals
from ssbchar.live.frame_history import (
    FrameHistory,
    describe_pattern,
    make_map_row,
    make_number,
)
from ssbchar.live.journal import Entry
from ssbchar.live.measurement import (
    Latencies,
    Plain,
    SetAside,
    build_options,
    list_or_none,
    open_journal,
)
from ssbchar.live.pattern_files import (
    BeamWatch,
    ImageFiles,
    PatternFiles,
    SeriesReader,
    refuse_frame,
)
from ssbchar.live.temperatures import FrameKey, FrameTemperatures
from ssbchar.storage import atomic_write
from ssbchar.storage.file_watch import FileState
from ssbchar.technique import Technique
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

SECONDS_AT_ONCE = 0.4
"""Time after which the page is written, and others have their turn."""
FRAMES_AT_ONCE = 20
"""Frames of a file of many that are refined before they are shown."""
SECONDS_BETWEEN_CALIBRATIONS = 5.0
"""Time between two looks for the calibrant's image."""
Answer = TypeVar("Answer")
STEP = "hexrd.refinement.refine_series"
FREE_ZERO = (
    "each frame is refined once, from the one before, its zero free; the run refines the series "
    "both ways with one zero and gives the verdicts"
)
NOT_REFINED = "the sheet names no candidate phase: frames are shown, not refined"
NOT_SCALED = "intensities are not divided by the monitor here; the run does it"


class DiffractionMeasurement:
    """The frames of one row of the sample sheet."""

    def __init__(self, run: ConfiguredRun, row: Row, steady: float) -> None:
        """Open the journal and go on from it.

        Parameters
        ----------
        run : ConfiguredRun
        row : Row
            Of diffraction, not of a calibrant.
        steady : float
            How long a file must be the same [s].

        Raises
        ------
        BadInput
            Another process follows the measurement.
        """
        self._run, self.row = run, row
        self._reading = build_options(run, "hexrd.read", row.measurement)
        self._integration = build_options(run, "hexrd.integrate", row.measurement)
        furnace = build_options(run, "hexrd.furnace", row.measurement)
        self._journal = open_journal(run, row, STEP)
        self._set_aside, self._latencies = SetAside(), Latencies()
        self._temperatures = FrameTemperatures(Path(row.log) if row.log else None, furnace)
        dump = self._integration if row.calibrant else self._reading
        self._beam = BeamWatch(dump.beam_dump)
        self._phase_faults: list[str] = []
        self._phases = self._tabulate_phases()
        self._names = [str(ds.attrs["phase"]) for ds in self._phases]
        of_run = [r for r in run.rows if r.technique == Technique.HEXRD]
        order = [name for r in of_run for name in split_names(r.phases)]
        self._history = FrameHistory(self._names, list(dict.fromkeys(order)))
        self._follower = SeriesFollower(
            self._phases, build_options(run, "hexrd.refine", row.measurement)
        )
        self._frames_of: dict[str, int] = {}
        self._scale: tuple[float, float] | None = None
        self._first_file = self._last_file = ""
        self._last: Plain = {}
        self._last_curves: tuple[Array, dict[str, Array]] | None = None
        self._waits_for: BadInput | None = None
        self._read_last: tuple[tuple[Path, FileState], xr.Dataset] | None = None
        self._not_before = 0.0
        taken = self._restore()
        self._reader: SeriesReader | None = None
        self._arrivals = Arrivals(self._list_files, steady, taken)

    def _tabulate_phases(self) -> list[xr.Dataset]:
        """Return the candidate phases; one that cannot be used is left out and named."""
        run, found = self._run, []
        options = build_options(run, "hexrd.phases", self.row.measurement)
        for name in split_names(self.row.phases):
            try:
                ds = tabulate_reflections(Path(run.config.phases), options, {"phase": name})
                found.append(ds)
            except BadInput as fault:
                self._phase_faults.append(f"phase {name} is left out: {fault}")
        return found

    @property
    def count(self) -> int:
        """Frames that were taken, and files that were set aside."""
        return len(self._history) + len(self._set_aside)

    def _restore(self) -> dict[Path, FileState]:
        """Take over what the journal holds; return the files that were taken."""
        taken: dict[Path, FileState] = {}
        cold: dict[FrameKey, tuple[str, float]] = {}
        for entry in self._journal.read():
            if entry.get("state"):
                taken[Path(entry["file"])] = (entry["state"][0], entry["state"][1])
            if entry.get("place"):
                self._follower.place = read_place(entry["place"])
            for frame in entry.get("frames", []):
                key = (entry["file"], frame["index"])
                cold[key] = (frame["name"], frame["time"])
                if np.isfinite(frame["temperature"]):
                    del cold[key]
            for name, index, _ in entry.get("temperatures", []):
                cold.pop((name, index), None)
            self._show(entry)
        self._temperatures.expect(cold)
        return taken

    def _show(self, entry: Entry) -> None:
        """Take an entry of the journal into what is shown.

        It holds the frames of a file, ``done`` of it so far, and its ``state`` if that is all; so a
        file is taken as a whole, or, of many frames, piece by piece. Or it holds temperatures.
        """
        name = entry.get("file", "")
        for frame in entry.get("frames", []):
            self._set_aside.remove(f"{name}#{frame['index']}")
            self._history.add((name, frame["index"]), frame)
            if frame["latency"] is not None:
                self._latencies.add(frame["latency"])
            self._scale = (frame["scale"][0], frame["scale"][1])
            self._first_file, self._last_file = self._first_file or name, name
        for fault in entry.get("refused", []):
            self._set_aside.add(fault["of"], fault)
        if "done" in entry:
            self._frames_of[name] = entry["done"]
        for of, index, temperature in entry.get("temperatures", []):
            self._history.set_temperature((of, index), temperature)

    def _note(self, entry: Entry) -> None:
        """Write an entry into the journal, then show it."""
        self._journal.append(entry)
        self._show(entry)

    def _list_files(self) -> list[Path]:
        return list_or_none(self._reader.list_files) if self._reader else []

    def advance(self, now: float) -> bool:
        """Take what is there, for a short while; return whether anything changed.

        Parameters
        ----------
        now : float
            `time.monotonic()` [s].
        """
        if self._reader is None and not self._open_reader(now):
            return False
        waiting = len(self._arrivals.waiting)
        found = self._temperatures.catch_up()
        if found:
            self._note({"temperatures": [[*key, value] for key, value in found.items()]})
        arrivals = self._arrivals.look(now)
        for arrival in arrivals:
            self._take(arrival)
            if time.monotonic() - now > SECONDS_AT_ONCE:
                break
        return bool(arrivals or found or waiting != len(self._arrivals.waiting))

    def _open_reader(self, now: float) -> bool:
        """Make the reader of the files; return whether there is one: images wait for the
        calibrant."""
        if now < self._not_before:
            return False
        source, row = Path(self.row.path), self.row
        try:
            reader: SeriesReader
            if row.calibrant:
                calibrant = self._run.row(row.calibrant)
                options = build_options(self._run, "hexrd.geometry", calibrant.measurement)
                geometry = calibrate_detector(Path(calibrant.path), options)
                reader = ImageFiles(source, geometry, self._integration)
            else:
                reader = PatternFiles(source, self._reading)
        except BadInput as fault:
            self._waits_for, self._not_before = fault, now + SECONDS_BETWEEN_CALIBRATIONS
            return False
        self._waits_for, self._reader = None, reader
        # The series has the axis of its first file, in a new process too.
        with suppress(BadInput):
            if self._first_file:
                reader.read(Path(self._first_file))
            if self._last_file:
                self._show_last_again(reader.read(Path(self._last_file)))
        return True

    def _take(self, arrival: Arrival) -> None:
        """Read and refine the frames of a file, or some of very many; or set it aside."""
        name = arrival.path.as_posix()
        try:
            ds = self._read(arrival)
            first = self._frames_of.get(name, 0)
            # One that grew goes on at its end; one written anew begins anew.
            if first >= ds.sizes["frame"]:
                first = 0
            last = min(first + FRAMES_AT_ONCE, ds.sizes["frame"])
            is_all = last == ds.sizes["frame"]
            entry = self._refine_frames(arrival, ds.isel(frame=slice(first, last)), first)
        except BadInput as fault:
            atomic_write.raise_machine_fault(fault)
            if self._arrivals.put_off(arrival, time.monotonic()):
                return
            is_all, last, self._read_last = True, 0, None
            entry = {"frames": [], "refused": [{"of": f"{name}#0", **fault.as_record()}]}
        if is_all:
            self._arrivals.accept(arrival)
        if not self._frames_of.get(name, 0):
            self._set_aside.remove(name)
        state = list(arrival.state) if is_all else None
        self._note({"file": name, "state": state, "done": last, **entry})

    def _read(self, arrival: Arrival) -> xr.Dataset:
        """Return the frames of a file; one that was read just now is not read again."""
        assert self._reader is not None
        if self._read_last is None or self._read_last[0] != (arrival.path, arrival.state):
            reader, path = self._reader, arrival.path
            ds = _guard(path, "reading it", lambda: reader.read(path))
            self._read_last = ((arrival.path, arrival.state), ds)
        return self._read_last[1]

    def _refine_frames(self, arrival: Arrival, ds: xr.Dataset, first: int) -> Entry:
        """Return what the journal holds of some frames of a file, the first of which has that
        number."""
        name, count = arrival.path.as_posix(), ds.sizes["frame"]
        keys = tuple((name, first + n) for n in range(count))
        status = [self._judge(ds, n) for n in range(count)]
        ds = ds.assign(status=("frame", np.array(status, object)))
        temperature = self._temperatures.find(keys, ds)
        fitted: list[FollowedFrame | None] = [None] * count
        if self._phases:
            before = self._follower.place
            try:
                fitted = _guard(
                    arrival.path, "refining it", lambda: self._follower.refine(ds, temperature)
                )
            except BadInput:
                self._follower.place = before
                raise
        frames, refused = [], []
        for n, (_, index) in enumerate(keys):
            shown = name if count == 1 and not index else f"{name}, frame {index + 1}"
            fault = refuse_frame(shown, status[n])
            if fault is not None:
                refused.append({"of": f"{name}#{index}", **fault.as_record()})
                continue
            frames.append(
                {"index": index, **self._describe_frame(arrival, ds, n, temperature[n], fitted[n])}
            )
            self._show_last(
                Path(shown).name,
                float(temperature[n]),
                ds["two_theta"].values.astype(float),
                ds["intensity"].values[n].astype(float),
                fitted[n],
            )
        place = self._follower.place
        return {
            "frames": frames,
            "refused": refused,
            "place": place.as_plain() if place else None,
        }

    def _judge(self, ds: xr.Dataset, n: int) -> str:
        """Return the status of a frame, also by the intensity of those before it."""
        status = str(ds["status"].values[n])
        if status == FrameStatus.OK and self._beam.is_lost(ds["intensity"].values[n]):
            return FrameStatus.BEAM_DUMP
        return status

    def _describe_frame(
        self,
        arrival: Arrival,
        ds: xr.Dataset,
        n: int,
        temperature: float,
        fit: FollowedFrame | None,
    ) -> Entry:
        """Return what the journal holds of a frame."""
        two_theta = ds["two_theta"].values.astype(float)
        intensity = ds["intensity"].values[n].astype(float)
        # One scale for the whole map: that of the first frame.
        self._scale = self._scale or (
            float(np.nanmin(intensity)),
            float(np.nanmax(intensity)),
        )
        row, columns = make_map_row(two_theta, intensity, self._scale)
        return {
            "name": str(ds["source_file"].values[n]),
            "temperature": float(temperature),
            "time": float(ds["time"].values[n]),
            "map": base64.b64encode(row).decode(),
            "map_range": columns,
            "scale": list(self._scale),
            **_describe_fit(fit),
            # What lay there before has waited for us, not we for it.
            "latency": None if arrival.was_there else time.monotonic() - arrival.since,
            "written": arrival.state[1] / 1e9,
            "shown": time.time(),
        }

    def _show_last_again(self, ds: xr.Dataset) -> None:
        """Show the frame that was the last before this process, refined from its own result."""
        place = self._follower.place
        temperature = place.temperature if place else np.nan
        ds = ds.isel(frame=slice(-1, None))
        fit = self._follower.refine(ds, np.array([temperature]))[0] if self._phases else None
        self._follower.place = place
        two_theta, intensity = (
            values.astype(float) for values in (ds["two_theta"].values, ds["intensity"].values[0])
        )
        self._show_last(Path(self._last_file).name, temperature, two_theta, intensity, fit)

    def _show_last(
        self,
        name: str,
        temperature: float,
        two_theta: Array,
        intensity: Array,
        fit: FollowedFrame | None,
    ) -> None:
        curves = {"observed": intensity}
        if fit is not None:
            two_theta = fit.two_theta
            curves = {
                "observed": fit.observed,
                "calculated": fit.calculated,
                "background": fit.background,
            }
        self._last = {
            "name": name,
            "temperature": make_number(temperature),
            "rwp": make_number(fit.rwp) if fit else None,
            "gof": make_number(fit.gof) if fit else None,
            "converged": fit.converged if fit else None,
        }
        self._last_curves = two_theta, curves

    def describe(self) -> Plain:
        """Return what the page shows, as plain data."""
        notes = [FREE_ZERO if self._phases else NOT_REFINED, *self._phase_faults]
        if self._reading.by_monitor or self._integration.by_monitor:
            notes.append(NOT_SCALED)
        waits = self._waits_for or (self._temperatures.fault if not len(self._history) else None)
        if self._temperatures.fault is not None:
            notes.append(f"no temperature at present: {self._temperatures.fault}")
        return {
            "kind": "frames",
            "waiting": len(self._arrivals.waiting),
            "waits_for": str(waits) if waits else "",
            "set_aside": self._set_aside.describe(),
            "latency": self._latencies.describe(),
            "notes": notes,
            "history": self._history.describe(),
            "last": self._last
            | (describe_pattern(*self._last_curves) if self._last_curves else {}),
        }

    def close(self) -> None:
        """Let another process go on."""
        self._journal.close()


def _describe_fit(fit: FollowedFrame | None) -> Entry:
    """Return what the journal holds of a fit; empty lists without phases."""
    if fit is None:
        empty: dict[str, list[float]] = {
            name: []
            for name in (
                "present",
                "cell",
                "cell_stderr",
                "volume",
                "volume_stderr",
                "intensity",
                "intensity_stderr",
            )
        }
        return {**empty, "rwp": np.nan, "gof": np.nan}
    return {
        "present": fit.present.astype(int).tolist(),
        "cell": fit.cell.tolist(),
        "cell_stderr": fit.cell_stderr.tolist(),
        "volume": fit.volume.tolist(),
        "volume_stderr": fit.volume_stderr.tolist(),
        "intensity": fit.intensity.tolist(),
        "intensity_stderr": fit.intensity_stderr.tolist(),
        "rwp": fit.rwp,
        "gof": fit.gof,
        "converged": fit.converged,
    }


def _guard(path: Path, doing: str, call: Callable[[], Answer]) -> Answer:
    """Return what a function returns; an exception that nobody foresaw is a fault of the file."""
    try:
        return call()
    except BadInput:
        raise
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        raise UnforeseenFault(path, doing, error, "report it") from error
