/** A file's name on one line: long ones lose their middle, not their ending. */
export function NameText({ name }: { readonly name: string }) {
  const cut = Math.max(0, name.length - 12);
  return (
    <>
      <span className="name-head">{name.slice(0, cut)}</span>
      <span className="name-tail">{name.slice(cut)}</span>
    </>
  );
}
