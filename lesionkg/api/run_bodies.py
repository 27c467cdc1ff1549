"""Bodies and answers of ``/api/runs``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

_DIGEST = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class TensorBody(BaseModel):
    """What is told of a tensor of the weights; its numbers stay where they were trained."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=300, examples=["0.propagation.weight"])
    dtype: str = Field(pattern="^[A-Z0-9_]{1,12}$", description="As safetensors calls it.", examples=["F32"])
    shape: list[Annotated[int, Field(ge=0, le=2**40)]] = Field(max_length=8, examples=[[171, 171]])


class FileDigests(BaseModel):
    """SHA-256 of every file of the run's folder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    matrices: _DIGEST = Field(alias="matrices.safetensors")
    metrics: _DIGEST = Field(alias="metrics.json")
    model_card: _DIGEST = Field(alias="model_card.md")
    per_label: _DIGEST = Field(alias="per_label.csv")
    predictions: _DIGEST = Field(alias="predictions.parquet")
    spl: _DIGEST = Field(alias="spl.safetensors")
    thresholds: _DIGEST = Field(alias="thresholds.json")
    weights: _DIGEST = Field(alias="weights.safetensors")


class ConfigBody(BaseModel):
    """Content of the run's ``config.json``."""

    model_config = ConfigDict(extra="allow", strict=True)

    format: str = Field(examples=["lesionkg-run/1"])
    run_id: str = Field(pattern="^(metadata|image)-[0-9a-f]{10}$", examples=["metadata-e63549d673"])
    features: str = Field(pattern="^(metadata|image)$")
    saw_pixels: bool
    seeds: list[int] = Field(min_length=1)
    cohort: str = Field(min_length=1, description="Id of the cohort it was trained on; this graph must hold it.")
    label_set: str
    label_ids: list[str]
    revision: int
    matrix_hash: str
    label_data_hash: str
    created: str
    recipe: dict[str, JsonValue]
    files: FileDigests


_EXAMPLE: dict[str, JsonValue] = {
    "config": {
        "format": "lesionkg-run/1",
        "run_id": "metadata-e63549d673",
        "features": "metadata",
        "saw_pixels": False,
        "seeds": [0],
        "cohort": "lesanet-9eca805639",
        "label_set": "lesanet-171",
        "label_ids": ["LKG:0000001"],
        "revision": 1,
        "matrix_hash": "f791",
        "label_data_hash": "0d2a",
        "created": "2026-11-21T13:00:00Z",
        "recipe": {"seeds": [0], "epochs": 60},
        "files": {field.alias: "0" * 64 for field in FileDigests.model_fields.values() if field.alias},
    },
    "weights": [{"name": "0.propagation.weight", "dtype": "F32", "shape": [171, 171]}],
}


class Registration(BaseModel):
    """A run to be registered."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": _EXAMPLE})

    config: ConfigBody
    weights: list[TensorBody] = Field(max_length=100_000)


class Publication(BaseModel):
    """How a run is published."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": {"min_weight": None}})

    min_weight: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Smallest correlation weight to keep; default: 5 robust deviations.",
    )


class RunEntry(BaseModel):
    """A run."""

    id: str
    features: str
    saw_pixels: bool
    cohort: str
    label_set: str
    revision: int = Field(description="Of the graph it was trained on.")
    matrix_hash: str
    created: str
    seeds: list[int]
    registered: bool = Field(description="It was trained elsewhere and registered here.")
    missing: list[str] = Field(description="Files that did not arrive yet.")
    published: bool = Field(description="Its predictions are in the graph.")
    behind: bool = Field(description="It was trained with other relations than the graph holds now.")
    test_macro_auc: float | None


class RunAnswer(RunEntry):
    """A run with everything that is kept of it."""

    config: dict[str, Any]
    metrics: dict[str, Any] | None = Field(description="By split; null while they did not arrive.")
    weights: list[TensorBody] = Field(description="Of a registered run: names, types and shapes.")


class PublishedAnswer(BaseModel):
    """What is in the graph for a model after it was published."""

    model: str
    changed: bool = Field(description="False when it was there already.")
    correlations: int
    correlations_considered: int
    correlation_threshold: float
    lesions: int
    predicted: int
    scored: int
    similar: int
    decided: int = Field(description="Correlations that curators decided about before.")
