"""Made-up CT series, as PNG folders and as DICOM files. Nothing in them is a patient."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SERIES_UID = "1.2.826.0.1.3680043.8.498.1"


def made_slices(count: int, height: int = 40, width: int = 48, seed: int = 0) -> list[np.ndarray]:
    """Slices of whole HU from -1500 to 3500, smooth enough to be interpolated."""
    draw = np.random.default_rng(seed)
    rough = draw.integers(-1500, 3500, (count, height, width))
    return [plane.astype(np.int32) for plane in rough]


def write_png(path: Path, hu: np.ndarray) -> None:
    """One slice as NIH stores it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((hu + 32768).astype(np.uint16)).save(path)


def write_png_series(folder: Path, slices: list[np.ndarray], first: int = 1) -> None:
    """A folder of numbered slices."""
    for number, hu in enumerate(slices, first):
        write_png(folder / f"{number:03d}.png", hu)


def write_dicom(
    path: Path, hu: np.ndarray, place: int, slope: float = 1.0, intercept: float = -2000.0, **tags: Any
) -> None:
    """One CT image; ``place`` counts from head to feet, 2.5 mm apart, and is the instance number."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = CTImageStorage
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{SERIES_UID}.{place}"
    data.SeriesInstanceUID = SERIES_UID
    data.Modality = "CT"
    data.PatientName, data.PatientID = "Secret^Person", "MRN-SECRET"
    data.InstanceNumber = place
    data.ImagePositionPatient = [-100.0, -90.0, 500.0 - 2.5 * place]
    data.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    data.PixelSpacing = [0.8, 0.8]
    data.SliceThickness = 2.5
    data.Rows, data.Columns = hu.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleSlope, data.RescaleIntercept = slope, intercept
    data.PixelData = np.rint((hu - intercept) / slope).astype("<i2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is written may be wrong on purpose
        for name, value in tags.items():
            if value is None:
                delattr(data, name)
            else:
                setattr(data, name, value)
        data.save_as(path, enforce_file_format=True)


def write_dicom_series(folder: Path, slices: list[np.ndarray]) -> None:
    """A folder of CT images whose file names say nothing of their order; each slice has its own intercept."""
    for place, hu in enumerate(slices, 1):
        write_dicom(folder / f"IM{(place * 37) % 101:03d}", hu, place, intercept=-2000.0 + place)
