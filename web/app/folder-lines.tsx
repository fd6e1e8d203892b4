/** The lines of the folder tree. One of them has the focus; arrows move it, open and close. */
import { ChevronRight, Folder, FolderOpen, HardDrive, LoaderCircle } from 'lucide-react';
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { lineAfter, linesOf, parentOf, ROOT, type TreeLine } from './folder-tree.ts';
import type { FolderReader } from './use-folder-tree.ts';

export interface FolderLinesProps {
  readonly reader: FolderReader;
  readonly label: string;
  readonly rootName: string;
  /** The chosen one; need not exist. */
  readonly path: string;
  /** Set while the next drawing is to move the focus here. */
  readonly wantsFocus: RefObject<boolean>;
  readonly onPath: (path: string) => void;
  readonly onChoose: (path: string) => void;
}

export function FolderLines({ reader, label, rootName, path, wantsFocus, onPath, onChoose }: FolderLinesProps) {
  const { words } = useLocale();
  const list = useRef<HTMLDivElement>(null);
  const lines = linesOf(reader.tree, rootName);
  const chosen = lines.findIndex((line) => line.path === path);
  const [more, setMore] = useState({ line: '', path: '' });
  // The keyboard is at the chosen folder, or at the nearest above one that is not shown; the way to more is no choice.
  const atMore = more.path === path ? lines.findIndex((line) => line.path === more.line) : -1;
  const current = atMore >= 0 ? atMore : chosen >= 0 ? chosen : nearest(lines, path);
  useEffect(() => {
    // A dialog that opens takes the focus away again.
    if (!wantsFocus.current || list.current?.closest('dialog')?.open === false) return;
    wantsFocus.current = false;
    list.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  });

  const go = (index: number) => {
    const line = lines[index];
    if (line === undefined) return;
    wantsFocus.current = true;
    setMore(line.kind === 'more' ? { line: line.path, path } : { line: '', path: '' });
    if (line.kind === 'folder') onPath(line.path);
  };
  const use = (line: TreeLine) => {
    if (line.kind === 'more') {
      reader.more(line.parent);
      go(lines.indexOf(line) - 1);
    } else onChoose(line.path);
  };
  const onKey = (event: KeyboardEvent) => {
    const line = lines[current];
    if (line === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = lineAfter(event.key, lines, current);
    if (to !== null) go(to);
    else if (event.key === 'Enter' || event.key === ' ') use(line);
    else if (event.key === 'ArrowRight' && line.kind === 'folder') {
      if (line.state === 'closed') reader.open(line.path);
      else if (line.state === 'open' && (lines[current + 1]?.level ?? 0) > line.level) go(current + 1);
    } else if (event.key === 'ArrowLeft') {
      if (line.kind === 'folder' && line.state === 'open' && line.path !== ROOT) reader.close(line.path);
      else go(lines.findIndex((one) => one.path === (line.kind === 'more' ? line.parent : parentOf(line.path))));
    } else return;
    event.preventDefault();
  };

  return (
    <div ref={list} className="tree" role="tree" aria-label={label} title={words.picker.keys} onKeyDown={onKey}>
      {lines.map((line, index) => (
        <Line
          key={line.path}
          line={line}
          isCurrent={index === current}
          isChosen={index === chosen}
          isBusy={reader.busy.has(line.kind === 'more' ? line.parent : line.path)}
          reader={reader}
          onPick={() => (line.kind === 'more' ? use(line) : go(index))}
        />
      ))}
    </div>
  );
}

function Line({
  line,
  isCurrent,
  isChosen,
  isBusy,
  reader,
  onPick,
}: {
  readonly line: TreeLine;
  readonly isCurrent: boolean;
  readonly isChosen: boolean;
  readonly isBusy: boolean;
  readonly reader: FolderReader;
  readonly onPick: () => void;
}) {
  const { words } = useLocale();
  const indent = { paddingInlineStart: `${(line.level - 1) * 18 + 4}px` };
  if (line.kind === 'more') {
    return (
      // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys
      <div
        className="tree-line tree-more"
        role="treeitem"
        aria-level={line.level}
        aria-selected={false}
        tabIndex={isCurrent ? 0 : -1}
        style={indent}
        onClick={onPick}
      >
        {isBusy && <LoaderCircle aria-hidden size={14} className="spin" />}
        {words.picker.more}
      </div>
    );
  }
  const isOpen = line.state === 'open';
  const Icon = line.path === ROOT ? HardDrive : isOpen ? FolderOpen : Folder;
  const onClick = () => {
    onPick();
    if (line.state === 'closed') reader.open(line.path);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree hears the keys
    <div
      className="tree-line"
      role="treeitem"
      aria-level={line.level}
      aria-selected={isChosen}
      {...(line.state === 'leaf' ? {} : { 'aria-expanded': isOpen })}
      tabIndex={isCurrent ? 0 : -1}
      style={indent}
      onClick={onClick}
    >
      <Twisty line={line} isBusy={isBusy} reader={reader} />
      <Icon aria-hidden size={16} strokeWidth={1.75} />
      <span className="tree-name">{line.name}</span>
      {line.isReadOnly && <span className="badge">{words.picker.readOnly}</span>}
      {isBusy && <span className="unseen">{words.picker.loading}</span>}
    </div>
  );
}

/** For the mouse: the keyboard has its arrows. */
function Twisty({
  line,
  isBusy,
  reader,
}: {
  readonly line: Extract<TreeLine, { kind: 'folder' }>;
  readonly isBusy: boolean;
  readonly reader: FolderReader;
}) {
  if (isBusy) return <LoaderCircle aria-hidden size={14} className="spin" />;
  if (line.state === 'leaf' || line.path === ROOT) return <span aria-hidden className="tree-gap" />;
  return (
    <ChevronRight
      aria-hidden
      size={14}
      className={line.state === 'open' ? 'tree-twisty open' : 'tree-twisty'}
      onClick={(event) => {
        event.stopPropagation();
        if (line.state === 'open') reader.close(line.path);
        else reader.open(line.path);
      }}
    />
  );
}

function nearest(lines: readonly TreeLine[], path: string): number {
  for (let above: string | null = path; above !== null; above = parentOf(above)) {
    const index = lines.findIndex((line) => line.path === above);
    if (index >= 0) return index;
  }
  return 0;
}
