/** The sign of the house: three lines of a ledger, one of them still open. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="7" className="mark-ground" />
      <path d="M7 9.5h11M7 16h18M7 22.5h14" className="mark-lines" />
      <circle cx="24" cy="9.5" r="2.4" className="mark-light" />
    </svg>
  );
}
