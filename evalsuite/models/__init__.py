"""Base models and adapters as files: checked and named by digest before anything loads them."""

from evalsuite.models.adapterconfig import AdapterConfig, Provenance
from evalsuite.models.refs import (
    CONFIG_FILE,
    EMBEDDED_MARK,
    PROVENANCE_FILE,
    TOKENIZER_FILES,
    WEIGHTS_FILE,
    AdapterRef,
    BaseRef,
    cached_base,
    digest_file,
    digest_tree,
    is_embedded,
    read_adapter,
    resolve_base,
    without_family,
    write_provenance,
)

__all__ = [
    "CONFIG_FILE",
    "EMBEDDED_MARK",
    "PROVENANCE_FILE",
    "TOKENIZER_FILES",
    "WEIGHTS_FILE",
    "AdapterConfig",
    "AdapterRef",
    "BaseRef",
    "Provenance",
    "cached_base",
    "digest_file",
    "digest_tree",
    "is_embedded",
    "read_adapter",
    "resolve_base",
    "without_family",
    "write_provenance",
]
