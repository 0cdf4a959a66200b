import { Pin as PinIcon } from 'lucide-react'
import { useAddress } from '@/shared/address'
import { Button } from '@/shared/ui'
import { useWords } from '@/shared/words'
import { type Application, pinOf } from '../model'
import { useLack } from './api'
import { FollowDialog } from './follow'
import styles from './pin.module.css'
import { PinFacts } from './pin-facts'
import { words } from './words'

/** That the application is held at an older release, and the way back to Git. Whether that is open stands in the URL. */
export function PinBanner({ application }: { application: Application }) {
  const say = useWords(words)
  const { params, put } = useAddress()
  const lack = useLack(application, 'rollback')
  const pin = pinOf(application)
  if (!pin) return null
  const open = (what: string) => put({ do: what }, 'step')
  return (
    <section className={styles['banner']} aria-label={say('pinned', { revision: '' })}>
      <PinIcon size={18} aria-hidden />
      <div className={styles['text']}>
        <PinFacts pin={pin} />
      </div>
      <Button reason={lack} onClick={() => open('follow')}>
        {say('resume-open')}
      </Button>
      {params.get('do') === 'follow' && <FollowDialog application={application} pin={pin} onClose={() => open('')} />}
    </section>
  )
}
