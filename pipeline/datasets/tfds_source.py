"""Reads a tensorflow-datasets builder of ours as a `Source`; it is prepared the first time.

tensorflow-datasets is imported inside the functions, so that a command's --help answers at once.
"""

from __future__ import annotations

import dataclasses

import apache_beam as beam

from components.errors import InputError
from components.storage.records import Kind, RawExample
from pipeline.datasets.builders import NAMES, builder_class, prepare

SPLITS = {"train": "train", "validation": "valid", "test": "test"}  # tensorflow-datasets' name -> ours


@dataclasses.dataclass(frozen=True)
class TfdsSource:
    """A data set with a tensorflow-datasets builder in `pipeline.datasets.builders`.

    Attributes:
        builder_name: One of `pipeline.datasets.builders.NAMES`.
        data_dir: Where data sets are prepared; `None` stands for tensorflow-datasets' default,
            `$TFDS_DATA_DIR` or `~/tensorflow_datasets`. Files fetched by hand belong in its
            `downloads/manual`.
    """

    builder_name: str
    data_dir: str | None = None

    def __post_init__(self):
        if self.builder_name not in NAMES:
            raise InputError(f"Expected a data set of {', '.join(NAMES)}; received: {self.builder_name!r}.")

    @property
    def name(self) -> str:
        """Short name, as after `--dataset`."""
        return self.builder_name

    @property
    def kind(self) -> Kind:
        """`"image"` or `"audio"`."""
        return builder_class(self.builder_name).KIND

    @property
    def columns(self) -> tuple[str, ...]:
        """Every label column."""
        return self.target + self.hidden

    @property
    def target(self) -> tuple[str, ...]:
        """The columns that the model learns."""
        return builder_class(self.builder_name).TARGET

    @property
    def hidden(self) -> tuple[str, ...]:
        """The columns that an attacker is after."""
        return builder_class(self.builder_name).HIDDEN

    def classes(self, column: str) -> int | None:
        """How many values a label column has, where its builder says so; needs no data."""
        return builder_class(self.builder_name).CLASSES.get(column)

    @property
    def official(self) -> tuple[str, ...]:
        """The splits that the official lists have."""
        return builder_class(self.builder_name).OFFICIAL

    @property
    def fingerprint(self) -> str:
        """Builder, version, and each split's number of examples and bytes; prepares the data set."""
        info = prepare(self.builder_name, self.data_dir).info
        splits = [f"{name}={s.num_examples}/{s.num_bytes}" for name, s in sorted(info.splits.items())]
        return " ".join([info.full_name, *splits])

    def read(self) -> beam.PTransform:
        """Returns a transform PBegin -> PCollection[RawExample]; prepares the data set."""
        return _Read(prepare(self.builder_name, self.data_dir))


class _Read(beam.PTransform):
    """Reads shard by shard, one example after the other; encoded bytes pass through as they are.

    One read covers all splits: after a Flatten of one read per split, Beam's local runners would
    hold every example in memory.
    """

    def __init__(self, builder):
        super().__init__()
        self._builder = builder

    def expand(self, pbegin):
        import tensorflow_datasets as tfds

        read = tfds.beam.ReadFromTFDS(
            self._builder,
            split="+".join(self._builder.info.splits),
            decoders={self._builder.CONTENT: tfds.decode.SkipDecoding()},
            # tfds_id names the shard, and with it the split. Autocaching keeps small data sets in memory.
            read_config=tfds.ReadConfig(add_tfds_id=True, try_autocache=False),
        )
        return pbegin | "Read shards" >> read | "To RawExample" >> beam.Map(_to_raw, type(self._builder))


def _to_raw(example, builder) -> RawExample:
    import tensorflow_datasets as tfds

    example = tfds.as_numpy(example)
    shard = tfds.core.naming.FilenameInfo.from_str(example["tfds_id"].decode().split("__")[0])
    return RawExample(
        name=example["name"].decode(),
        content=bytes(example[builder.CONTENT]),
        labels=builder.labels(example),
        split=SPLITS[shard.split],
    )
