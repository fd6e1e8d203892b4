/** The page: a token first, then the console behind it. */
import { useEffect, useState } from 'react';
import { type Console, ConsoleContext, startConsole } from './console.ts';
import { Shell } from './shell.tsx';
import { forgetToken, keepToken, takeToken } from './token.ts';
import { TokenGate } from './token-gate.tsx';
import '../style/shell.css';
import '../style/ledger.css';
import '../style/dialog.css';
import '../style/story.css';
import '../style/alerts.css';

export function App() {
  const [token, setToken] = useState(takeToken);
  const [isRefused, setIsRefused] = useState(false);
  const [running, setRunning] = useState<Console | null>(null);

  // A new link opened over an open page changes only what is behind the #.
  useEffect(() => {
    const onHash = () => {
      const fresh = takeToken();
      if (fresh) setToken(fresh);
    };
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);

  useEffect(() => {
    if (token === null) return;
    let isCurrent = true;
    let started: Console | null = null;
    const onRefused = () => {
      forgetToken();
      setIsRefused(true);
      setToken(null);
    };
    void startConsole({ origin: '', token, onRefused }).then((fresh) => {
      started = fresh;
      if (isCurrent) setRunning(fresh);
      else fresh.stop();
    });
    return () => {
      isCurrent = false;
      started?.stop();
      setRunning(null);
    };
  }, [token]);

  if (token === null) {
    const enter = (fresh: string) => {
      keepToken(fresh);
      setIsRefused(false);
      setToken(fresh);
    };
    return <TokenGate isRefused={isRefused} onEnter={enter} />;
  }
  if (!running) return null;
  const leave = () => {
    forgetToken();
    setToken(null);
  };
  return (
    <ConsoleContext value={running}>
      <Shell onLeave={leave} />
    </ConsoleContext>
  );
}
