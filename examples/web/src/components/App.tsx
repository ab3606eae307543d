import { useConversations } from "@convosync/client/react";
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { useActive } from "../activity";
import { PageContext, useServices, type DialogName, type Page } from "../app-context";
import { useConversationId, useKeys, useMedia } from "../hooks";
import { titleOf } from "../texts";
import { Chat } from "./Chat";
import { RejectedDialog } from "./RejectedDialog";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { Sidebar } from "./Sidebar";
import { SignInDialog } from "./SignInDialog";
import { SignOutDialog } from "./SignOutDialog";
import { UndoToast, type Offer } from "./UndoToast";

/** The whole page: the side bar, one conversation, and what lies over them. */
export function App() {
  const { db } = useServices();
  const active = useActive(db, useConversations());
  const [currentId, goTo] = useConversationId();
  const [drawerOpen, setDrawerOpen] = useState(false);
  const [dialog, setDialog] = useState<DialogName>();
  const [offer, setOffer] = useState<Offer>();
  const [announcement, setAnnouncement] = useState("");
  const narrow = useMedia("(max-width: 760px)");
  const search = useRef<HTMLInputElement>(null);
  const composer = useRef<HTMLTextAreaElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const menuButton = useRef<HTMLButtonElement>(null);

  const current = active?.find(({ conversation }) => conversation.id === currentId)?.conversation;
  const title = current ? titleOf(current) : "New conversation";
  useEffect(() => {
    document.title = `${title} – Convosync chat`;
  }, [title]);

  const focus = useCallback(
    (field: RefObject<HTMLElement | null>) => {
      // A drawer that opens or closes lets nobody have the focus before the next frame. Elsewhere, whoever types on
      // at once is not to lose a letter.
      if (narrow) requestAnimationFrame(() => field.current?.focus());
      else field.current?.focus();
    },
    [narrow],
  );

  const page = useMemo<Page>(
    () => ({
      open: (id) => {
        goTo(id);
        setDrawerOpen(false);
        // A closed drawer lets go of the focus.
        if (narrow) requestAnimationFrame(() => heading.current?.focus());
      },
      announce: setAnnouncement,
      offerUndo: (sentence, undo) => setOffer({ sentence, undo }),
      show: setDialog,
    }),
    [goTo, narrow],
  );

  const closeDrawer = useCallback(() => {
    setDrawerOpen(false);
    // While the drawer lies over it, the page takes no focus.
    requestAnimationFrame(() => menuButton.current?.focus());
  }, []);

  const undo = useCallback(() => {
    if (!offer) return;
    setOffer(undefined);
    void offer.undo().then(() => setAnnouncement("Brought back."));
  }, [offer]);

  const onKey = useCallback(
    (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const command = event.ctrlKey || event.metaKey;
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (command && event.key === "k") {
        setDrawerOpen(true);
        focus(search);
      } else if (command && event.key === "/") setDialog("shortcuts");
      else if (event.altKey && event.code === "KeyN") {
        page.open(undefined);
        focus(composer);
      } else if (event.altKey && event.code === "KeyZ") undo();
      else if (event.altKey && step && active) {
        const index = active.findIndex(({ conversation }) => conversation.id === currentId);
        const next = active[index < 0 ? 0 : index + step];
        if (next) page.open(next.conversation.id);
      } else if (event.key === "Escape" && narrow && drawerOpen) closeDrawer();
      else return;
      event.preventDefault();
    },
    [active, closeDrawer, currentId, drawerOpen, focus, narrow, page, undo],
  );
  useKeys(onKey);

  const covered = narrow && drawerOpen;
  return (
    <PageContext value={page}>
      <a
        className="skip"
        href="#composer"
        onClick={(event) => {
          event.preventDefault();
          composer.current?.focus();
        }}
      >
        Skip to the message field
      </a>
      <div className="page">
        <Sidebar
          active={active}
          currentId={currentId}
          search={search}
          drawer={narrow}
          open={!narrow || drawerOpen}
          onClose={closeDrawer}
        />
        {covered && <div className="backdrop" onClick={closeDrawer} />}
        <main className="main" inert={covered}>
          <Chat
            conversation={current}
            // An address may name what is deleted, or not here yet.
            missing={currentId !== undefined && active !== undefined && current === undefined}
            composer={composer}
            heading={heading}
            menu={
              narrow ? { open: drawerOpen, toggle: () => setDrawerOpen(!drawerOpen) } : undefined
            }
            menuButton={menuButton}
          />
        </main>
      </div>
      {dialog === "sign-in" && <SignInDialog onClose={() => setDialog(undefined)} />}
      {dialog === "sign-out" && <SignOutDialog onClose={() => setDialog(undefined)} />}
      {dialog === "rejected" && <RejectedDialog onClose={() => setDialog(undefined)} />}
      {dialog === "shortcuts" && <ShortcutsDialog onClose={() => setDialog(undefined)} />}
      <UndoToast offer={offer} onUndo={undo} onDismiss={() => setOffer(undefined)} />
      <div className="sr-only" role="status">
        {announcement}
      </div>
    </PageContext>
  );
}
