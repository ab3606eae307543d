// @vitest-environment happy-dom
import { act, cleanup, render, screen } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, expect, test } from "vitest";
import {
  ConvosyncProvider,
  useConversations,
  useMessages,
  useRejected,
  useSyncStatus,
} from "../src/react/index.js";
import { doNotNote } from "../src/noting.js";
import { database } from "./support/database.js";
import { tab, type Tab } from "./support/device.js";

afterEach(cleanup);

function show(it: Tab, child: ReactNode) {
  return render(
    <ConvosyncProvider db={it.db} sync={it.sync}>
      {child}
    </ConvosyncProvider>,
  );
}

function SideBar() {
  const conversations = useConversations();
  return <p>{conversations ? conversations.map((c) => c.title).join() || "none" : "…"}</p>;
}

function Chat({ id }: { id: string | undefined }) {
  const messages = useMessages(id);
  return <p>{messages ? messages.map((m) => m.message_id).join() || "none" : "…"}</p>;
}

function Badge() {
  const { state, pending, rejected } = useSyncStatus();
  return <p>{`${state} ${pending} ${rejected} ${String(useRejected()?.length)}`}</p>;
}

const offline = () => tab({ url: "http://127.0.0.1:9" });

test("conversations show as they change, the last one first", async () => {
  const it = offline();
  show(it, <SideBar />);
  expect(await screen.findByText("none")).toBeTruthy();
  await act(() =>
    it.db.conversations.bulkAdd([
      { id: "1", title: "one" },
      { id: "2", title: "two" },
    ]),
  );
  expect(await screen.findByText("two,one")).toBeTruthy();
  await act(() => it.db.conversations.update("1", { title: "ONE" }));
  expect(await screen.findByText("ONE,two")).toBeTruthy();
});

test("conversations that came without a moment of a change stand at the end", async () => {
  const it = offline();
  await it.db.conversations.add({ id: "1", title: "one" });
  await it.db.transaction("rw", it.db.conversations, async (trans) => {
    doNotNote(trans);
    await it.db.conversations.put({ id: "2", title: "two" });
  });
  show(it, <SideBar />);
  expect(await screen.findByText("one,two")).toBeTruthy();
});

test("messages show by their time, and those of another conversation never", async () => {
  const it = offline();
  const message = (conversation_id: string, message_id: string, hour: number) => ({
    conversation_id,
    message_id,
    timestamp: `2026-05-01T0${hour}:00:00.000Z`,
  });
  await it.db.messages.bulkAdd([
    message("c", "late", 3),
    message("c", "early", 1),
    message("d", "other", 2),
  ]);
  const { rerender } = show(it, <Chat id="c" />);
  expect(await screen.findByText("early,late")).toBeTruthy();
  const at = (id: string | undefined) => (
    <ConvosyncProvider db={it.db} sync={it.sync}>
      <Chat id={id} />
    </ConvosyncProvider>
  );
  rerender(at("d"));
  expect(screen.queryByText("early,late")).toBeNull();
  expect(await screen.findByText("other")).toBeTruthy();
  rerender(at(undefined));
  expect(await screen.findByText("none")).toBeTruthy();
});

test("messages show by their moments, however many digits these have, and then by their ids", async () => {
  const it = offline();
  const seconds = ["01Z", "00.0015Z", "00.001Z", "00Z", "00.001000Z", "00.00Z"];
  // Before the sync begins nothing brings the moments to one form.
  const db = database();
  await db.messages.bulkAdd(
    seconds.map((second, i) => ({
      conversation_id: "c",
      message_id: `m${i}`,
      timestamp: `2026-05-01T00:00:${second}`,
    })),
  );
  show({ db, sync: it.sync }, <Chat id="c" />);
  expect(await screen.findByText("m3,m5,m2,m4,m1,m0")).toBeTruthy();
  await it.db.messages.bulkAdd(await db.messages.toArray());
  cleanup();
  show(it, <Chat id="c" />);
  expect(await screen.findByText("m3,m5,m2,m4,m1,m0")).toBeTruthy();
});

test("the status and what is refused show", async () => {
  const it = offline();
  show(it, <Badge />);
  expect(await screen.findByText("idle 0 0 0")).toBeTruthy();
  await act(() => it.db.conversations.add({ id: "1" }));
  expect(await screen.findByText("idle 1 0 0")).toBeTruthy();
  await act(() => it.sync.now().catch(() => undefined));
  expect(await screen.findByText("offline 1 0 0")).toBeTruthy();
});

test("a hook outside of a provider says what is missing", () => {
  expect(() => render(<SideBar />)).toThrow("ConvosyncProvider");
});
