import type { ClockRow } from "./tables.js";

const MOMENT = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?$/;
/** How far in the future the server takes a stamp at its word, in milliseconds, by default. */
const SKEW = 300_000;
/** A smaller difference of clocks is not believed, in milliseconds. */
const PRECISION = 2_000;

/**
 * The usual form of a moment: UTC with milliseconds, and with microseconds only where it has some. What is no moment comes back as it is: the server is to refuse it.
 */
export function moment(value: unknown): unknown {
  if (typeof value === "number") {
    const date = new Date(Math.abs(value) < 1e11 ? value * 1000 : value);
    return isNaN(date.getTime()) ? value : date.toISOString();
  }
  const parts = typeof value === "string" && MOMENT.exec(value);
  if (!parts) return value;
  const [, day = "", time = "", fraction = "", zone = "Z"] = parts;
  const date = new Date(`${day}T${time}${zone.toUpperCase()}`);
  if (isNaN(date.getTime())) return value;
  const digits = fraction.padEnd(6, "0").slice(0, 6);
  return date.toISOString().slice(0, 20) + digits.replace(/000$/, "") + "Z";
}

/** Without the Z, milliseconds sort before their microseconds. */
const sortable = (stamp: string) => stamp.slice(0, -1);

/** Whether stamp `a` is later than `b`; any is later than none. */
export function isLater(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && (b === undefined || sortable(a) > sortable(b));
}

/** The stamp after one, if that is a moment. */
export function after(stamp: string | undefined): string | undefined {
  const time = stamp === undefined ? NaN : Date.parse(stamp);
  return isNaN(time) ? undefined : new Date(time + 1).toISOString();
}

/** Makes the stamps of a device: ever later ones, whatever its clock does, by the server's clock. */
export type Stamps = ReturnType<typeof createStamps>;

export function createStamps(stored: ClockRow | undefined, clock: () => number) {
  const row: ClockRow = { key: "clock", last: 0, offset: 0, ...stored };
  return {
    row,

    /** Takes note of what the server's clock said at `at` of the device's clock. Tells whether that matters. */
    measure(server: number, at: number): boolean {
      const { last, offset } = row;
      // The header `Date` has no fractions of a second.
      const measured = Math.abs(server - at) < PRECISION ? 0 : server - at;
      if (Math.abs(measured - offset) >= PRECISION) row.offset = measured;
      // The trace of a wrong clock, from before it was set right or measured.
      if (last > server + SKEW) row.last = server;
      return row.offset !== offset || row.last !== last;
    },

    /** A stamp for a change of an item which had the stamp `previous`. */
    next(previous?: string): string {
      const time = Math.max(clock() + row.offset, row.last + 1);
      const now = new Date(time).toISOString();
      const next = after(previous);
      const stamp = next !== undefined && isLater(next, now) ? next : now;
      // What comes after a deletion, of which nothing is stored any more, is to be later than it. One from the future
      // must not take all that follows with it.
      const stamped = Date.parse(stamp);
      row.last = stamped > time + SKEW ? time : stamped;
      return stamp;
    },
  };
}
