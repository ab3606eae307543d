/** Something that others ring, and one waits for. A ring while nobody waits is not lost. */
export function createBell() {
  let hasRung = false;
  let isUrgent = false;
  let wake: () => void = () => undefined;
  return {
    /** `urgent` also wakes one that waits for what is urgent alone. */
    ring(urgent = false): void {
      hasRung = true;
      isUrgent ||= urgent;
      wake();
    },

    /** Waits for a ring, but at most `most` milliseconds, and not beyond an abort. */
    async wait(signal: AbortSignal, most: number, onlyUrgent = false): Promise<void> {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, most);
        signal.addEventListener("abort", done);
        wake = () => {
          if (signal.aborted || (onlyUrgent ? isUrgent : hasRung)) done();
        };
        wake();

        function done() {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        }
      });
      hasRung = isUrgent = false;
    },
  };
}

/** How long to wait after so many failures, in milliseconds: by chance, so that devices do not come all at once. */
export function backoff(failures: number): number {
  return 500 + Math.random() * Math.min(60_000, 1_000 * 2 ** (failures - 1));
}
