; The `chief` command beside the app. Not among the bundle's resources: those must be there whenever cargo builds the app,
; and this one is built for a bundle alone.
; Here, since within a macro it would be the folder of the installer's own script.
!define CHIEF "${__FILEDIR__}\..\target\release\chief.exe"

!macro NSIS_HOOK_POSTINSTALL
  ; Agents' programs may run the one of before: it cannot be overwritten, but renamed.
  Delete /REBOOTOK "$INSTDIR\chief-before.exe"
  Rename "$INSTDIR\chief.exe" "$INSTDIR\chief-before.exe"
  File "/oname=$INSTDIR\chief.exe" "${CHIEF}"
!macroend

!macro NSIS_HOOK_PREUNINSTALL
  Delete /REBOOTOK "$INSTDIR\chief.exe"
  Delete /REBOOTOK "$INSTDIR\chief-before.exe"
!macroend
