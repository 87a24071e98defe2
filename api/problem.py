"""Why the read APIs give no numbers."""

from runtime.problem import ProblemCode


class ReadProblem(ProblemCode):
    """What a read API may answer besides what any path may."""

    SITE_ID_MISSING = "site_id_missing"
    UNKNOWN_PARAMETER = "unknown_parameter"
    READ_KEY_REQUIRED = "read_key_required"
    BAD_DATE = "bad_date"
    RANGE_REVERSED = "range_reversed"
    RANGE_TOO_LONG = "range_too_long"
    BAD_LIMIT = "bad_limit"
    BAD_OFFSET = "bad_offset"
    BAD_SEARCH = "bad_search"
    UNKNOWN_DIMENSION = "unknown_dimension"
    DIMENSION_MISSING = "dimension_missing"
    ADMIN_KEY_REQUIRED = "admin_key_required"
    BAD_ACTION = "bad_action"
    NOTHING_READY = "nothing_ready"
    NOTHING_KEPT = "nothing_kept"
    REBUILD_CHANGED = "rebuild_changed"
    STORE_UNAVAILABLE = "store_unavailable"
    STORE_UNUSABLE = "store_unusable"
