import type { ReactNode } from "react";

const Icon = ({ children }: { children: ReactNode }) => (
  <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const MenuIcon = () => (
  <Icon>
    <path d="M3 5.5h14M3 10h14M3 14.5h9" />
  </Icon>
);
export const PlusIcon = () => (
  <Icon>
    <path d="M10 4v12M4 10h12" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <circle cx="8.8" cy="8.8" r="5.3" />
    <path d="m12.8 12.8 4 4" />
  </Icon>
);
export const PencilIcon = () => (
  <Icon>
    <path d="M4 16l.8-3.4 8.6-8.6a1.4 1.4 0 0 1 2 0l.6.6a1.4 1.4 0 0 1 0 2L7.4 15.2 4 16ZM12 5.4 14.6 8" />
  </Icon>
);
export const BinIcon = () => (
  <Icon>
    <path d="M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5" />
  </Icon>
);
export const GoodIcon = () => (
  <Icon>
    <path d="M7 16.5H4.5v-7H7m0 7v-7L10 3.5c1.3 0 2 .9 2 2V8.500h3.200c1 0 1.7.9 1.5 1.900l-1 4.700a1.7 1.7 0 0 1-1.7 1.400H7Z" />
  </Icon>
);
export const BadIcon = () => (
  <Icon>
    <path d="M13 3.500h2.500v7H13m0-7v7l-3 6c-1.3 0-2-.9-2-2V11.500H4.800c-1 0-1.7-.9-1.5-1.900l1-4.700A1.7 1.7 0 0 1 6 3.500h7Z" />
  </Icon>
);
export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.500M5 9.200l5-5 5 5" />
  </Icon>
);
export const StopIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" fill="currentColor" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);
export const KeyboardIcon = () => (
  <Icon>
    <rect x="2.5" y="5" width="15" height="10" rx="2" />
    <path d="M5.5 8.300h.01M8.5 8.300h.01M11.5 8.300h.01M14.5 8.300h.01M7 11.800h6" />
  </Icon>
);
export const CloudOffIcon = () => (
  <Icon>
    <path d="M3.5 3.500l13 13M6 7.600A3.7 3.7 0 0 0 6.2 15h7.300M8 5.600a4.5 4.5 0 0 1 6.3 3.2 3.1 3.1 0 0 1 2.2 4.7" />
  </Icon>
);
