"""Settings of the library's classes that are flags of a command, too: see `datamix_settings`, which needs no Keras."""

from datamix_settings import KEY, Setting, above, at_least, check, like, setting, settings_of, share

__all__ = ["KEY", "Setting", "above", "at_least", "check", "like", "setting", "settings_of", "share"]
