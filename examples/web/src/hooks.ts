import { useCallback, useEffect, useSyncExternalStore } from "react";

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

const onLine = (changed: () => void): (() => void) => {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
};

/** Whether the browser has a network. */
export const useOnline = (): boolean => useSyncExternalStore(onLine, () => navigator.onLine);

const onHash = (changed: () => void): (() => void) => {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
};

/** The id of the conversation that the page's address names, and how to go to another. */
export function useConversationId(): [string | undefined, (id: string | undefined) => void] {
  const hash = useSyncExternalStore(onHash, () => location.hash);
  const open = useCallback((id: string | undefined) => {
    location.hash = id === undefined ? "" : encodeURIComponent(id);
    // The browser's own event comes later: what is typed meanwhile would belong to the conversation before.
    dispatchEvent(new HashChangeEvent("hashchange"));
  }, []);
  return [decode(hash.slice(1)) || undefined, open];
}

// Somebody may have typed the address.
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Calls `act` on every key pressed in the page, until unmounted. */
export function useKeys(act: (event: KeyboardEvent) => void): void {
  useEffect(() => {
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  }, [act]);
}
