import { ChevronsDownUp, ChevronsUpDown } from 'lucide-react'
import { useAddress } from '@/shared/address'
import { useCommands } from '@/shared/commands'
import { IconButton } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { FOLDS } from './branches'
import styles from './tools.module.css'
import { foldOf } from './use-tree-view'
import { words } from './words'

/** How the tree is gathered and what of it is open. */
export function FoldTools({ onOpenAll, onCloseWell }: { onOpenAll: () => void; onCloseWell: () => void }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const choose = (fold: string) => put({ fold })
  useCommands([
    { id: 'tree open', title: say('open-all'), group: say('group'), keys: 'e', run: onOpenAll },
    { id: 'tree close', title: say('close-well'), group: say('group'), keys: 'c', run: onCloseWell },
  ])
  return (
    <>
      <label className={styles['fold']}>
        <span>{say('fold')}</span>
        <select value={foldOf(params) ?? ''} onChange={(event) => choose(event.target.value)}>
          <option value="">{say('fold-auto')}</option>
          {FOLDS.map((each) => (
            <option key={each} value={each}>
              {say(`fold-${each}`)}
            </option>
          ))}
        </select>
      </label>
      <IconButton label={say('open-all')} onClick={onOpenAll}>
        <ChevronsUpDown size={16} aria-hidden />
      </IconButton>
      <IconButton label={say('close-well')} onClick={onCloseWell}>
        <ChevronsDownUp size={16} aria-hidden />
      </IconButton>
    </>
  )
}
