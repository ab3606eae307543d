interface Request {
  tab: object;
  run: () => Promise<void>;
  refuse: (error: unknown) => void;
}

const aborted = () => new DOMException("The lock is gone", "AbortError");

/** The Web Locks of the tabs of one device, in one process. */
export class Locks {
  readonly #held = new Map<string, Request>();
  readonly #waiting = new Map<string, Request[]>();

  /** What one tab has as `navigator.locks`. */
  of(tab: object): LockManager {
    const request = (name: string, options: LockOptions, work: () => Promise<unknown>) =>
      this.#request(tab, name, options, work);
    return { request, query: () => Promise.resolve({}) } as unknown as LockManager;
  }

  /** Whether a tab holds a lock. */
  leads(tab: object): boolean {
    return [...this.#held.values()].some((request) => request.tab === tab);
  }

  /** Ends a tab: what it holds goes to the next one. */
  kill(tab: object): void {
    for (const [name, waiting] of this.#waiting)
      this.#waiting.set(
        name,
        waiting.filter((request) => request.tab !== tab),
      );
    for (const [name, held] of [...this.#held])
      if (held.tab === tab) {
        this.#held.delete(name);
        held.refuse(aborted());
        this.#next(name);
      }
  }

  #request(
    tab: object,
    name: string,
    { signal, steal }: LockOptions,
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    return new Promise((resolve, refuse) => {
      const run = async () => {
        await work().then(resolve, refuse);
        if (this.#held.get(name) !== request) return;
        this.#held.delete(name);
        this.#next(name);
      };
      const request: Request = { tab, run, refuse };
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, waiting);
      if (steal) {
        this.#held.get(name)?.refuse(aborted());
        this.#held.delete(name);
        waiting.unshift(request);
      } else waiting.push(request);
      signal?.addEventListener("abort", () => {
        const now = this.#waiting.get(name) ?? [];
        if (!now.includes(request)) return;
        this.#waiting.set(
          name,
          now.filter((other) => other !== request),
        );
        refuse(aborted());
      });
      this.#next(name);
    });
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    const request = this.#waiting.get(name)?.shift();
    if (!request) return;
    this.#held.set(name, request);
    void request.run();
  }
}
