/** Something that others ring, and one waits for. A ring while nobody waits is not lost. */
export class Bell {
  #hasRung = false;
  #isUrgent = false;
  #wake: (() => void) | undefined;

  /** `urgent` also wakes one that waits for what is urgent alone. */
  ring(urgent = false): void {
    this.#hasRung = true;
    this.#isUrgent ||= urgent;
    this.#wake?.();
  }

  /** Waits for a ring, but at most `most` milliseconds, and not beyond an abort. */
  async wait(signal: AbortSignal, most: number | undefined, onlyUrgent = false): Promise<void> {
    const isDone = () => signal.aborted || (onlyUrgent ? this.#isUrgent : this.#hasRung);
    if (!isDone())
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        };
        const timer = most === undefined ? undefined : setTimeout(done, most);
        this.#wake = () => {
          if (isDone()) done();
        };
        signal.addEventListener("abort", done);
      });
    this.#wake = undefined;
    this.#hasRung = this.#isUrgent = false;
  }
}

/** How long to wait after so many failures, in milliseconds: by chance, so that devices do not come all at once. */
export function backoff(failures: number): number {
  return 500 + Math.random() * Math.min(60_000, 1_000 * 2 ** (failures - 1));
}
