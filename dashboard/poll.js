/*
 * Poll: runs a task again and again. Waits longer after each passing failure, stops at a lasting one,
 * and rests while the tab is hidden.
 */

import { ApiError } from "./api.js";

const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 60_000;

export class Poll {
  #abort = new AbortController();
  #timer = 0;
  #failures = 0;
  #running = false;
  #due = true;

  /**
   * Starts at once.
   * @param {(signal: AbortSignal) => Promise<void>} task
   * @param {() => number|null} every milliseconds to the next run; null: not again
   */
  constructor(task, every) {
    Object.assign(this, { task, every });
    const wake = () => this.#due && !document.hidden && this.now();
    document.addEventListener("visibilitychange", wake, { signal: this.#abort.signal });
    this.now();
  }

  /** Run now, unless it is running already. */
  async now() {
    clearTimeout(this.#timer);
    const { signal } = this.#abort;
    if (this.#running || signal.aborted) return;
    this.#running = true;
    const delay = await this.#attempt(signal);
    this.#running = false;
    this.#due = delay !== null;
    if (this.#due && !document.hidden && !signal.aborted) this.#timer = setTimeout(() => this.now(), delay);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #attempt(signal) {
    try {
      await this.task(signal);
      this.#failures = 0;
      return this.every();
    } catch (error) {
      return wait(error, this.#failures++);
    }
  }
}

/** How long to wait after a failure; null when asking again cannot help. */
function wait(error, failures) {
  if (!(error instanceof ApiError)) {
    if (error?.name !== "AbortError") console.error(error);
    return null;
  }
  if (!error.passing) return null;
  const doubled = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures);
  const jitter = 0.8 + 0.4 * Math.random();
  return Math.max(doubled * jitter, (error.retryAfter ?? 0) * 1000);
}
