"""Base models and adapters as files: checked and named by digest before anything loads them."""

from evalsuite.models.adapterconfig import CONFIG_FILE, AdapterConfig, Provenance
from evalsuite.models.adapters import (
    PROVENANCE_FILE,
    WEIGHTS_FILE,
    AdapterRef,
    OpenedAdapter,
    adapter_folder,
    open_adapter,
    read_adapter,
    write_provenance,
)
from evalsuite.models.bases import (
    EMBEDDED_MARK,
    NAMED,
    TOKENIZER_FILES,
    BaseRef,
    cached_base,
    is_embedded,
    resolve_base,
    without_family,
)
from evalsuite.models.candidates import ModelRef, Tuned, model_files, read_model, read_tuned
from evalsuite.models.digests import digest_file, digest_tree

__all__ = [
    "CONFIG_FILE",
    "EMBEDDED_MARK",
    "NAMED",
    "PROVENANCE_FILE",
    "TOKENIZER_FILES",
    "WEIGHTS_FILE",
    "AdapterConfig",
    "AdapterRef",
    "BaseRef",
    "ModelRef",
    "OpenedAdapter",
    "Provenance",
    "Tuned",
    "adapter_folder",
    "cached_base",
    "digest_file",
    "digest_tree",
    "is_embedded",
    "model_files",
    "open_adapter",
    "read_adapter",
    "read_model",
    "read_tuned",
    "resolve_base",
    "without_family",
    "write_provenance",
]
