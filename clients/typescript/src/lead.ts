const queues = new Map<string, Promise<unknown>>();

/** How to get to lead. */
export interface LeadOptions {
  /** Gives up waiting. */
  signal?: AbortSignal;
  /** Takes the lead from whoever has it. */
  steal?: boolean;
}

/**
 * Runs `work` while no other tab leads the sync of the database `name`. The signal that it is given is aborted
 * when another tab takes the lead away, and then this throws. Without Web Locks only this process counts.
 */
export async function lead<T>(
  locks: LockManager | undefined,
  name: string,
  work: (lost: AbortSignal) => Promise<T>,
  { signal, steal = false }: LeadOptions = {},
): Promise<T> {
  const lost = new AbortController();
  const key = `convosync:${name}`;
  if (locks) {
    try {
      const options = steal ? { steal } : signal ? { signal } : {};
      return await locks.request(key, options, () => work(lost.signal));
    } catch (error) {
      lost.abort();
      throw error;
    }
  }
  const before = queues.get(key);
  const mine = (async () => {
    await before?.catch(() => undefined);
    signal?.throwIfAborted();
    return work(lost.signal);
  })();
  queues.set(key, mine);
  try {
    return await mine;
  } finally {
    if (queues.get(key) === mine) queues.delete(key);
  }
}
