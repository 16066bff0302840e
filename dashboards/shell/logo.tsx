/** The logo. */
export function Logo() {
  return (
    <svg className="mark" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="var(--accent)" />
      <path
        d="M5 9h14M5 12.5h14M4.5 17c1.9-1.6 3.1-1.6 5 0s3.1 1.6 5 0 3.1-1.6 5 0"
        fill="none"
        stroke="var(--on-accent)"
        strokeWidth="1.8"
        strokeLinecap="round"
      />
    </svg>
  );
}
