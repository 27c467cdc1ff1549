"""LesaNet on CT: trunks over patches, training, inference and export."""
