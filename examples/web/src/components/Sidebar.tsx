import { useDeferredValue, useId, useState, type RefObject } from "react";
import { byPeriod, type Active } from "../activity";
import { usePage } from "../app-context";
import { counted, titleOf } from "../texts";
import { Account } from "./Account";
import { CloseIcon, KeyboardIcon, PlusIcon, SearchIcon } from "./icons";
import { SyncLine } from "./SyncLine";

interface Props {
  active: Active[] | undefined;
  currentId: string | undefined;
  search: RefObject<HTMLInputElement | null>;
  /** Whether it lies over the page, as on a phone. */
  drawer: boolean;
  open: boolean;
  onClose: () => void;
}

/** How many conversations are listed at first, and how many more each time. */
const STEP = 100;

/** The conversations, the search in their titles, who uses the page, and how syncing goes. */
export function Sidebar({ active, currentId, search, drawer, open, onClose }: Props) {
  const page = usePage();
  const [query, setQuery] = useState("");
  const [shown, setShown] = useState(STEP);
  const searchId = useId();
  const wanted = useDeferredValue(query.trim().toLowerCase());
  const found = active?.filter(({ conversation }) =>
    titleOf(conversation).toLowerCase().includes(wanted),
  );
  const periods = byPeriod(found?.slice(0, shown) ?? [], new Date());

  return (
    <div className="sidebar" data-open={open} inert={!open}>
      <header className="sidebar-head">
        <span className="brand">Convosync chat</span>
        <button
          type="button"
          className="icon-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts"
          onClick={() => page.show("shortcuts")}
        >
          <KeyboardIcon />
        </button>
        {drawer && (
          <button
            type="button"
            className="icon-button"
            aria-label="Close the side bar"
            onClick={onClose}
          >
            <CloseIcon />
          </button>
        )}
      </header>
      <button type="button" className="button new" onClick={() => page.open(undefined)}>
        <PlusIcon /> New conversation
      </button>
      <search className="search">
        <label className="sr-only" htmlFor={searchId}>
          Search in titles
        </label>
        <SearchIcon />
        <input
          ref={search}
          id={searchId}
          type="search"
          placeholder="Search in titles"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || query === "") return;
            event.preventDefault();
            setQuery("");
          }}
        />
      </search>
      <div className="sr-only" role="status">
        {wanted && found && `${counted(found.length, "conversation")} found`}
      </div>
      <nav className="conversations" aria-label="Conversations">
        {periods.map(([period, members]) => (
          <section key={period} aria-label={period}>
            <h2 className="period">{period}</h2>
            <ul>
              {members.map(({ conversation }) => (
                <li key={conversation.id}>
                  <a
                    className="conversation"
                    href={`#${encodeURIComponent(conversation.id)}`}
                    aria-current={conversation.id === currentId ? "page" : undefined}
                    onClick={() => page.open(conversation.id)}
                  >
                    {titleOf(conversation)}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
        {found && found.length > shown && (
          <button type="button" className="link more" onClick={() => setShown(shown + STEP)}>
            Show more ({(found.length - shown).toLocaleString("en")})
          </button>
        )}
        {found?.length === 0 && (
          <p className="nothing">
            {wanted ? "No title has this." : "What you ask will be listed here."}
          </p>
        )}
      </nav>
      <footer className="sidebar-foot">
        <SyncLine />
        <Account />
      </footer>
    </div>
  );
}
