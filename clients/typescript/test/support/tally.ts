/** What has to happen in the histories. */
const INGREDIENTS = [
  "edits",
  "edits in the second tab",
  "edits of one field by several devices",
  "edits by a wrong clock",
  "deletions",
  "histories in which three devices posted",
  "cut connections",
  "connections that the server cut",
  "lost answers to posts",
  "killed tabs",
  "killed tabs that led",
  "killed tabs that asked",
  "transactions that a kill broke off",
  "restarts",
  "backups",
  "restores",
  "cursors that a restore ended",
] as const;

export type Ingredient = (typeof INGREDIENTS)[number];

/** Counts what happens in histories, so that none of it is missing unnoticed. */
export class Tally {
  readonly #counts = new Map<Ingredient, { times: number; histories: number; isIn: boolean }>(
    INGREDIENTS.map((name) => [name, { times: 0, histories: 0, isIn: false }]),
  );

  count(name: Ingredient, times = 1): void {
    const entry = this.#counts.get(name);
    if (!entry || times === 0) return;
    entry.times += times;
    if (!entry.isIn) entry.histories++;
    entry.isIn = true;
  }

  /** Begins another history. */
  begin(): void {
    for (const entry of this.#counts.values()) entry.isIn = false;
  }

  get missing(): Ingredient[] {
    return INGREDIENTS.filter((name) => this.#counts.get(name)?.times === 0);
  }

  toString(): string {
    return [...this.#counts]
      .map(([name, { times, histories }]) => `${name}: ${times} in ${histories}`)
      .join("\n");
  }
}
