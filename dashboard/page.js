/*
 * Page: what the parts of the page may ask of it. app.js makes the one there is.
 */

/**
 * @typedef {object} Page
 * @property {() => import("./view.js").View} view what is looked at
 * @property {(change: object) => string} href the address of a view that differs so
 * @property {(change: object) => void} go look at that; Back undoes it
 * @property {(filter: import("./view.js").Filter) => void} filter put a filter on, or take it off
 * @property {(filter: import("./view.js").Filter) => string} hrefFiltered
 * @property {() => boolean} canFilter whether the server can filter, as far as known
 * @property {() => boolean} canAsk whether it is known to answer /api/query
 * @property {(canQuery: boolean) => void} learn whether the server answers /api/query
 * @property {() => unknown} question what the numbers hang on
 * @property {() => object} goalsQuestion the same as parameters of /api/goals
 * @property {(question: object, signal: AbortSignal) => Promise<object>} ask of /api/query, with all that the view holds
 * @property {(canQuery: boolean) => void} learn whether the server answers /api/query
 * @property {() => unknown} question what the numbers hang on
 * @property {() => object} goalsQuestion the same as parameters of /api/goals
 * @property {(question: object, signal: AbortSignal) => Promise<object>} values of one dimension
 * @property {(dimension: string, search: string, limit: number) => Promise<object[]>} suggest values to filter by
 * @property {() => string[]} properties the names of properties that events have, as far as known
 * @property {() => string|undefined} timeZone of the site
 */

export {};
