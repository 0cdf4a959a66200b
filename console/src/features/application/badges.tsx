import { useWords } from '@/shared/words'
import styles from './badges.module.css'
import type { Node } from './nodes'
import { words } from './words'

/** What is special about an object: its wave, that it is a hook, that Git no longer has it, that it is going. */
export function Badges({ node }: { node: Node }) {
  const say = useWords(words)
  return (
    <span className={styles['badges']}>
      {node.wave ? (
        <span className={styles['badge']} title={say('wave-text', { n: node.wave })}>
          {say('wave', { n: node.wave })}
        </span>
      ) : null}
      {node.hook && <span className={styles['badge']}>{say('hook')}</span>}
      {node.requiresPruning && !node.hook && (
        <span className={`${styles['badge']} ${styles['warn']}`} title={say('prune-text')}>
          {say('prune')}
        </span>
      )}
      {node.terminating && <span className={`${styles['badge']} ${styles['warn']}`}>{say('going')}</span>}
    </span>
  )
}
