"""A synthetic set of CT-like volumes in the format of DeepLesion. Nothing in it is a patient."""
