import type { StuckReason } from "./types.js";

/** More about a {@link SyncError}. */
export interface SyncErrorDetails {
  /** The HTTP status; absent where there was no answer. */
  status?: number;
  /** Why nothing more is sent until somebody does something; absent where it is tried again by itself. */
  reason?: StuckReason;
  /** How long the server asks to wait, in milliseconds. */
  retryAfter?: number;
  /** The places of a body that the server refuses. */
  places?: { path: string; message: string }[];
}

/** Why something could not be synced. The `message` is for people, the `code` for programs. */
export class SyncError extends Error {
  override readonly name = "SyncError";

  constructor(
    message: string,
    /** The `code` of the server's answer, or `network`, `not_ready`, `other_user`. */
    readonly code: string,
    readonly details: SyncErrorDetails = {},
  ) {
    super(message);
  }

  /** Why nothing more is sent until somebody does something; absent where it is tried again by itself. */
  get reason(): StuckReason | undefined {
    return this.details.reason;
  }
}

/** The error as a SyncError: what is no fault of the server's or the network's is one of the database. */
export function asSyncError(error: unknown, code = "database"): SyncError {
  return error instanceof SyncError ? error : new SyncError(String(error), code);
}

/** For a `catch`: passes over what has one of these codes, and throws what has none. */
export function passOver(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(asSyncError(error).code)) throw error;
  };
}
