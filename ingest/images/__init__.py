"""CT in: DeepLesion PNG folders and DICOM series to patches of equal size, and the cache they are kept in."""
