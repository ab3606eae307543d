export { SyncError, type SyncErrorDetails } from "./errors.js";
export { type SignIn, type Sync, convosync } from "./sync.js";
export { syncTables } from "./tables.js";
export type {
  Conversation,
  Message,
  MessageOutput,
  MessageRequest,
  MessageResponse,
  Rejected,
  StuckReason,
  SyncOptions,
  SyncStatus,
  TokenSource,
  Visitor,
} from "./types.js";
