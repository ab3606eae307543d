const queues = new Map<string, Promise<unknown>>();

/** Runs `work` when its turn has come; the signal is aborted when another tab takes the lead away. */
export type Lead = (
  work: (lost: AbortSignal) => Promise<unknown>,
  options: LockOptions,
) => Promise<void>;

/**
 * Has one tab at a time lead the sync of a database. What leads throws when another one takes the lead away by
 * `steal`. Without Web Locks only this process counts.
 */
export function leading(locks: LockManager | undefined, name: string): Lead {
  const key = `convosync:${name}`;
  return async (work, options) => {
    const lost = new AbortController();
    const run = () => work(lost.signal);
    if (!locks) {
      const mine = Promise.resolve(queues.get(key)).then(() => {
        options.signal?.throwIfAborted();
        return run();
      });
      queues.set(
        key,
        mine.catch(() => undefined),
      );
      await mine;
      return;
    }
    try {
      await locks.request(key, options, run);
    } catch (error) {
      lost.abort();
      throw error;
    }
  };
}
