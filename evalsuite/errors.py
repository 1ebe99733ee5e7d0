"""Every error that evalsuite raises on purpose, and nothing else.

The tree::

    EvalsuiteError
    ├── InvalidInput            something a person wrote is wrong; says where and the fix
    │   ├── InvalidConversation     a message or an order of messages that no model may be given
    │   ├── InvalidCase             a case file, a case, an importer's input
    │   ├── InvalidAnswers          a file of a system's answers, or what it lacks
    │   ├── InvalidPolicy           a policy file
    │   ├── InvalidPrompt           a prompt file, or a prompt that cannot be asked with
    │   ├── InvalidRecipe           a training recipe
    │   ├── InvalidReview           a sheet that people filled, or the key of a review
    │   └── InvalidSuite            a file of a suite, or a file that is imported as one
    ├── TemplateError           a conversation that a chat template cannot carry unchanged
    │   └── ContextOverflow         even the last turns do not fit into the context window
    ├── PromptFormatError       a text that is not what the prompt format wrote
    ├── ModelError              a base model or an adapter that must not be used
    │   ├── ModelNotFound           no such name, folder or file
    │   ├── UnsafeAdapter           refused before loading: pickle, rank, regex, NaN, broken file
    │   ├── BaseMismatch            the adapter was made for another base
    │   └── AdapterUnfit            weights without a place in the base, or places without weights
    ├── EngineError             inference did not happen
    ├── NotMeasured             a score was demanded where nothing could be measured
    ├── TrainingError           training did not make an adapter
    │   └── TrainingInterrupted     stopped on request; says how to go on
    ├── RunError                a run folder that is missing, broken, foreign or in use
    │   ├── RunInUse                another process works in the folder
    │   └── RunStorageError         the folder cannot be written: read-only, full, not a folder
    ├── RegistryError           a promotion that is refused, a record that does not verify
    ├── PublishingError         a result that cannot be published: a broken card, no such store
    └── MissingDependency       an optional package is absent; says how to install it

A person sees ``str(error)``; it names the argument or place, its value, what would be valid and
the next step. The command line prints it without a traceback and exits with 3.
"""

from __future__ import annotations


class EvalsuiteError(Exception):
    """Base of every deliberate error; catching it never hides a bug."""


class InvalidInput(EvalsuiteError):
    """Something a person wrote cannot be used."""


class InvalidConversation(InvalidInput):
    """A message, or an order of messages, that no model may be given."""


class InvalidCase(InvalidInput):
    """A case file, or one case in it, is wrong."""


class InvalidAnswers(InvalidInput):
    """A file of answers is wrong, or does not fit the cases."""


class InvalidSuite(InvalidInput):
    """A file of a suite is wrong, or one that is imported as a suite."""


class InvalidPolicy(InvalidInput):
    """A policy file is wrong."""


class InvalidPrompt(InvalidInput):
    """A prompt file breaks its schema, or no model can be asked with what it says."""


class InvalidRecipe(InvalidInput):
    """A training recipe is wrong."""


class InvalidReview(InvalidInput):
    """A sheet is wrong, or is not one of the review whose key lies there."""


class TemplateError(EvalsuiteError):
    """A conversation that the chat template cannot carry unchanged."""


class ContextOverflow(TemplateError):
    """The system message and the last turn alone exceed the context window."""


class PromptFormatError(EvalsuiteError):
    """A text that the prompt format did not write."""


class ModelError(EvalsuiteError):
    """A base model or an adapter that must not be used."""


class ModelNotFound(ModelError):
    """No model or adapter where one was named."""


class UnsafeAdapter(ModelError):
    """An adapter refused before any of it was loaded."""


class BaseMismatch(ModelError):
    """An adapter that was made for another base model."""


class AdapterUnfit(ModelError):
    """An adapter whose weights have no place in the base, or places without weights."""


class EngineError(EvalsuiteError):
    """Inference did not happen."""


class NotMeasured(EvalsuiteError):
    """A score was demanded where nothing could be measured; it is neither 0 nor a pass."""


class TrainingError(EvalsuiteError):
    """Training did not make an adapter."""


class TrainingInterrupted(TrainingError):
    """Training was stopped on request; its checkpoints are kept."""


class RunError(EvalsuiteError):
    """A run folder that is missing, broken or foreign."""


class RunInUse(RunError):
    """Another process works in the run folder."""


class RunStorageError(RunError):
    """The run folder cannot be written."""


class RegistryError(EvalsuiteError):
    """A promotion that is refused, or a record that does not verify."""


class PublishingError(EvalsuiteError):
    """A result that cannot be published where somebody asked for it."""


class MissingDependency(EvalsuiteError):
    """An optional package is absent."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed; "
            f"install it in the checkout with: pip install -e '.[{extra}]'"
        )
