import type { SyncStatus } from "@convosync/client";
import { counted } from "./texts";

/** How a status is shown. */
export interface Described {
  tone: "good" | "busy" | "waiting" | "bad";
  sentence: string;
  /** What the person can do about it, if anything. */
  remedy?: "sign-in" | "sign-out" | "retry";
}

/** A status in words; `online` is whether the browser has a network. */
export function describe(status: SyncStatus, online: boolean): Described {
  const waiting = status.pending > 0 ? `, ${counted(status.pending, "change")} waiting` : "";
  if (status.state === "stuck") return describeStuck(status);
  if (!online || status.state === "offline") {
    return online
      ? { tone: "waiting", sentence: `The server is out of reach${waiting}`, remedy: "retry" }
      : { tone: "waiting", sentence: `Offline${waiting}` };
  }
  if (status.state === "syncing" || status.pending > 0) {
    const changes = status.pending > 0 ? ` ${counted(status.pending, "change")}` : "";
    return { tone: "busy", sentence: `Syncing${changes}…` };
  }
  return { tone: "good", sentence: "In sync" };
}

function describeStuck(status: SyncStatus): Described {
  switch (status.reason) {
    case "unauthorized":
      return { tone: "bad", sentence: "The server asks who you are", remedy: "sign-in" };
    case "quota":
      return { tone: "bad", sentence: "Your space on the server is full", remedy: "retry" };
    case "erased":
      return { tone: "bad", sentence: "The server has erased this visitor", remedy: "sign-out" };
    case "merged":
      return { tone: "bad", sentence: "This device was signed in elsewhere", remedy: "sign-in" };
    case "other_user":
      return { tone: "bad", sentence: "Here are another user's conversations", remedy: "sign-out" };
    default:
      return { tone: "bad", sentence: status.message ?? "Syncing has stopped", remedy: "retry" };
  }
}
