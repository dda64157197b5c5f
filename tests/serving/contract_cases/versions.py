"""Folders of versions. `given` is a policy, or several, and the folders there are at each look."""

from tests.serving.contract_cases.case import Case, held, not_offered

FILES = "file_system_storage_path_source"
CPP = "Options of the server's C++ class that no flag sets"
WHOLE = "A folder is a version once its `saved_model.pb` is there"


def _case(what, looks, *theirs):
    """`looks` are pairs of a policy and the folders; `theirs` what is wanted at each, number and folder."""
    return Case(FILES, what, looks, list(theirs))


_NAMES = ("notes", "42", "33", "30", "21", "17")
_LATEST = "latest { num_versions: 2 }"

CASES = [
    _case("a base path without versions", [("", ("notes",))], {}),
    _case("no base path", [("", None)], {}),
    _case("a base path that comes later", [("", None), ("", ("3",))], {}, {3: "3"}),
    not_offered(FILES, "to fail where there is no version at the start", CPP),
    not_offered(FILES, "to fail where there is no base path at the start", CPP),
    _case("two versions", [("", ("notes", "17", "42"))], {42: "42"}),
    _case("all versions", [("all {}", ("notes", "17", "42"))], {17: "17", 42: "42"}),
    _case("the latest three", [("latest { num_versions: 3 }", _NAMES)], {42: "42", 33: "33", 30: "30"}),
    _case("specific ones", [("specific { versions: [17, 30] }", _NAMES)], {17: "17", 30: "30"}),
    _case(
        "specific ones, one with leading zeros",
        [("specific { versions: [17, 30] }", ("42", "30", "00017"))],
        {17: "00017", 30: "30"},
    ),
    _case("specific, and none", [("specific {}", _NAMES)], {}),
    _case("no policy", [("", _NAMES)], {42: "42"}),
    _case("the latest, without a number", [("latest {}", _NAMES)], {42: "42"}),
    held(
        FILES, "two models with versions and one without", "test_models_without_versions_keep_no_others_from_answering"
    ),
    _case(
        "another policy",
        [(_LATEST, ("1", "02", "5", "8")), ("specific { versions: [2, 5] }", ("1", "02", "5", "8"))],
        {5: "5", 8: "8"},
        {2: "02", 5: "5"},
    ),
    not_offered(FILES, "another polling period while it runs", CPP),
    _case("a time stamp as a version", [("all {}", ("20261126231500",))], {20261126231500: "20261126231500"}),
    _case(
        "folders that are renamed or go",
        [(_LATEST, ("1", "5", "8")), (_LATEST, ("1", "5.denied"))],
        {5: "5", 8: "8"},
        {1: "1"},
    ),
    _case("the last version goes", [("", ("42",)), ("", ())], {42: "42"}, {}),
    not_offered(FILES, "to keep the last version that goes", CPP),
    held(FILES, "a look once", "test_the_disk_is_looked_at_once_where_it_is_not_polled"),
    held(
        FILES,
        "a version of two folders, with and without zeros: one of them",
        "test_a_version_of_two_folders_is_served_once",
    ),
    Case(FILES, "a folder without saved_model.pb", [("", ("empty/9", "4"))], [{9: "9"}], [{4: "4"}], WHOLE),
]
