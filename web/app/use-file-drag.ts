/** Files dragged over the page, wherever they are dropped. */
import { useEffect, useEffectEvent, useState } from 'react';

/** True while files hang over the page. `onDrop` is called inside the drop event, as reading its data asks for. */
export function useFileDrag(isOn: boolean, onDrop: (data: DataTransfer) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  const drop = useEffectEvent(onDrop);
  useEffect(() => {
    if (!isOn) return;
    const onEnter = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setIsOver(true);
    };
    const onLeave = (event: DragEvent) => {
      // Leaving for nothing is leaving the window; everything else is moving on over the page.
      if (event.relatedTarget === null) setIsOver(false);
    };
    const onFiles = (event: DragEvent) => {
      setIsOver(false);
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      drop(event.dataTransfer);
    };
    window.addEventListener('dragenter', onEnter);
    window.addEventListener('dragover', onEnter);
    window.addEventListener('dragleave', onLeave);
    window.addEventListener('drop', onFiles);
    return () => {
      window.removeEventListener('dragenter', onEnter);
      window.removeEventListener('dragover', onEnter);
      window.removeEventListener('dragleave', onLeave);
      window.removeEventListener('drop', onFiles);
    };
  }, [isOn]);
  return isOver;
}

function hasFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}
