import type { convosync } from "@convosync/client";
import { createContext, useContext } from "react";
import type { Answers } from "./answers";
import type { ChatDatabase } from "./database";
import type { Session } from "./session";

/** What the parts of the page share. */
export interface Services {
  db: ChatDatabase;
  sync: ReturnType<typeof convosync>;
  answers: Answers;
  session: Session;
}

/** The services of the page. */
export const ServicesContext = createContext<Services | undefined>(undefined);

/** What a part of the page may do with the page around it. */
export interface Page {
  /** Shows a conversation; `undefined` begins a new one. */
  open: (conversationId: string | undefined) => void;
  /** Says a sentence to those who listen to the page. */
  announce: (sentence: string) => void;
  /** Tells that something is deleted and offers to bring it back. */
  offerUndo: (sentence: string, undo: () => Promise<void>) => void;
  /** Shows a dialog. */
  show: (dialog: DialogName) => void;
}

/** The dialogs of the page. */
export type DialogName = "sign-in" | "sign-out" | "rejected" | "shortcuts";

/** The page's own actions. */
export const PageContext = createContext<Page | undefined>(undefined);

/** The services of the page; only below their provider. */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("useServices() outside of ServicesContext");
  return services;
}

/** The page's own actions; only below their provider. */
export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("usePage() outside of PageContext");
  return page;
}
