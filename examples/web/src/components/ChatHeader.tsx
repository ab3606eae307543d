import type { Conversation } from "@convosync/client";
import { useSyncStatus } from "@convosync/client/react";
import { useEffect, useRef, useState, type RefObject } from "react";
import { usePage, useServices } from "../app-context";
import { deleteConversation, restore } from "../chat";
import { useOnline } from "../hooks";
import { titleOf } from "../texts";
import { BinIcon, CloudOffIcon, MenuIcon, PencilIcon } from "./icons";

/** The button that opens the side bar where that is a drawer. */
export interface Menu {
  open: boolean;
  toggle: () => void;
}

interface Props {
  conversation: Conversation | undefined;
  heading: RefObject<HTMLHeadingElement | null>;
  menu: Menu | undefined;
  menuButton: RefObject<HTMLButtonElement | null>;
}

/** The title of a conversation, with what can be done to the whole of it. */
export function ChatHeader({ conversation, heading, menu, menuButton }: Props) {
  const { db } = useServices();
  const page = usePage();
  const [renaming, setRenaming] = useState(false);
  const renameButton = useRef<HTMLButtonElement>(null);
  const offline = useSyncStatus().state === "offline";
  const online = useOnline();

  const remove = async (id: string, title: string) => {
    const deleted = await deleteConversation(db, id);
    page.open(undefined);
    heading.current?.focus();
    page.offerUndo(`“${title}” is deleted.`, async () => {
      await restore(db, deleted);
      page.open(id);
    });
  };

  return (
    <header className="chat-head">
      {menu && (
        <button
          ref={menuButton}
          type="button"
          className="icon-button"
          aria-label="Conversations"
          aria-expanded={menu.open}
          onClick={menu.toggle}
        >
          <MenuIcon />
        </button>
      )}
      {conversation && renaming && <h1 className="sr-only">{titleOf(conversation)}</h1>}
      {conversation && renaming ? (
        <TitleForm
          title={conversation.title ?? ""}
          onDone={(title) => {
            setRenaming(false);
            if (title !== undefined) void db.conversations.update(conversation.id, { title });
            requestAnimationFrame(() => renameButton.current?.focus());
          }}
        />
      ) : (
        <h1 ref={heading} tabIndex={-1} className="title">
          {conversation ? titleOf(conversation) : "New conversation"}
        </h1>
      )}
      {(offline || !online) && (
        <span className="badge" title="What you do is kept here and sent later.">
          <CloudOffIcon /> Offline
        </span>
      )}
      {conversation && !renaming && (
        <>
          <button
            ref={renameButton}
            type="button"
            className="icon-button"
            aria-label="Rename the conversation"
            title="Rename"
            onClick={() => setRenaming(true)}
          >
            <PencilIcon />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Delete the conversation"
            title="Delete"
            onClick={() => remove(conversation.id, titleOf(conversation))}
          >
            <BinIcon />
          </button>
        </>
      )}
    </header>
  );
}

interface TitleFormProps {
  title: string;
  /** Called with the new title, or without one when nothing is to change. */
  onDone: (title?: string) => void;
}

function TitleForm({ title, onDone }: TitleFormProps) {
  const [draft, setDraft] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <form
      className="title-form"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(draft.trim());
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        onDone();
      }}
    >
      <input
        ref={field}
        className="field"
        aria-label="Title"
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
      />
      <button type="submit" className="button small primary">
        Save
      </button>
      <button type="button" className="button small" onClick={() => onDone()}>
        Cancel
      </button>
    </form>
  );
}
